"""One method a call of the API; each answers the JSON as a dict."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

JsonObject = dict[str, Any]


class NoGateway(Exception):
    """Nobody answers at the address."""


class ProblemError(Exception):
    """The gateway answered an error. `kind` is its `type`; `errors` holds (pointer, message)."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.kind = str(body.get("type", "unknown"))
        self.detail = str(body.get("detail") or body.get("title") or f"HTTP {status}")
        self.errors = [(e.get("pointer", ""), e.get("message", "")) for e in body.get("errors", ())]
        super().__init__(self.detail)


class Todoke:
    """A connection to a gateway. `base_url` is its address, `api_key` a key of an account there."""

    def __init__(self, base_url: str, api_key: str, *, timeout: float = 60.0) -> None:
        self.base_url = base_url.strip().rstrip("/")
        api_key = api_key.strip()
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError(f"base_url is {self.base_url!r}; it must begin with http:// or https://")
        if not api_key.isascii() or not api_key.isprintable():
            raise ValueError("api_key holds characters that no API key has")
        self._http = httpx.Client(
            base_url=self.base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=timeout,
            trust_env=False,
        )

    def __enter__(self) -> "Todoke":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def _call(self, method: str, path: str, **request: Any) -> JsonObject:
        response = self._request(method, path, **request)
        if response.status_code == 204:
            return {}
        answer: JsonObject = response.json()
        return answer

    def _request(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise NoGateway(
                f"No gateway answers at {self.base_url} ({type(error).__name__}). Start one with: todoke serve"
            ) from error
        if response.is_error:
            try:
                body = response.json()
            except ValueError:
                body = {}
            raise ProblemError(response.status_code, body if isinstance(body, dict) else {})
        return response

    # Set-up

    def create_channel(self, **channel: Any) -> JsonObject:
        """name, region, line_channel_id, secret, access_token …; see the API's documentation."""
        return self._call("POST", "/v1/channels", json=channel)

    def channels(self) -> list[JsonObject]:
        return list(self._call("GET", "/v1/channels")["channels"])

    def change_channel(self, channel: str, **change: Any) -> JsonObject:
        return self._call("PATCH", f"/v1/channels/{channel}", json=change)

    def resume_channel(self, channel: str) -> JsonObject:
        return self._call("POST", f"/v1/channels/{channel}/resume")

    def create_template(self, template: Mapping[str, Any]) -> JsonObject:
        return self._call("POST", "/v1/templates", json=template)

    def templates(self) -> list[JsonObject]:
        return list(self._call("GET", "/v1/templates")["templates"])

    def create_policy(self, policy: Mapping[str, Any]) -> JsonObject:
        return self._call("POST", "/v1/policies", json=policy)

    def policies(self) -> list[JsonObject]:
        return list(self._call("GET", "/v1/policies")["policies"])

    # Alarms, and webhooks to the business's own systems

    def alarms(self, *, standing: bool | None = None) -> list[JsonObject]:
        """The newest first; `standing`: only those that stand, or only the others."""
        query = {} if standing is None else {"standing": str(standing).lower()}
        found: list[JsonObject] = []
        while True:
            page = self._call("GET", "/v1/alarms", params=query)
            found += page["alarms"]
            if "next" not in page:
                return found
            query["cursor"] = page["next"]

    def webhook_endpoints(self) -> list[JsonObject]:
        return list(self._call("GET", "/v1/webhook-endpoints")["webhook_endpoints"])

    def create_webhook_endpoint(
        self, *, url: str, events: Sequence[str], secret: str | None = None
    ) -> JsonObject:
        """The answer has the secret with which webhooks are signed, this once."""
        body = {"url": url, "events": list(events)} | ({} if secret is None else {"secret": secret})
        return self._call("POST", "/v1/webhook-endpoints", json=body)

    def change_webhook_endpoint(
        self, endpoint_id: str, *, url: str | None = None, events: Sequence[str] | None = None
    ) -> JsonObject:
        body = {"url": url, "events": None if events is None else list(events)}
        given = {k: v for k, v in body.items() if v is not None}
        return self._call("PATCH", f"/v1/webhook-endpoints/{endpoint_id}", json=given)

    def remove_webhook_endpoint(self, endpoint_id: str) -> None:
        self._call("DELETE", f"/v1/webhook-endpoints/{endpoint_id}")

    # Notices

    def send(
        self,
        *,
        channel: str,
        template: str,
        to: str,
        parameters: Mapping[str, Any],
        policy: str | Mapping[str, Any] | None = None,
        reference: str | None = None,
        deadline: str | None = None,
        idempotency_key: str | None = None,
        dry_run: bool = False,
    ) -> JsonObject:
        """Sends one notice. With an `idempotency_key` it is safe to call again after a broken connection."""
        body = {"channel": channel, "template": template, "to": to, "parameters": dict(parameters)}
        optional = {"policy": policy, "reference": reference, "deadline": deadline}
        body |= {k: v for k, v in optional.items() if v is not None}
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        params = {"dry_run": "true"} if dry_run else {}
        return self._call("POST", "/v1/notices", json=body, headers=headers, params=params)

    def send_many(
        self, notices: Sequence[Mapping[str, Any]], idempotency_key: str | None = None
    ) -> JsonObject:
        """Up to 10,000 notices; `results` has one entry for each, in order."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._call("POST", "/v1/notices/batch", json={"notices": list(notices)}, headers=headers)

    def notice(self, notice_id: str) -> JsonObject:
        return self._call("GET", f"/v1/notices/{notice_id}")

    def notices(self, **filters: str) -> Iterator[JsonObject]:
        """All notices, the newest first; filters: state, batch, reference."""
        cursor: dict[str, str] = {}
        while True:
            page = self._call("GET", "/v1/notices", params={**filters, **cursor})
            yield from page["notices"]
            if "next" not in page:
                return
            cursor = {"cursor": page["next"]}

    def cancel(self, notice_id: str) -> JsonObject:
        return self._call("POST", f"/v1/notices/{notice_id}/cancel")

    # Ordinary messages

    def send_message(
        self,
        *,
        channel: str,
        messages: Sequence[Mapping[str, Any]],
        to: str | None = None,
        user_id: str | None = None,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> JsonObject:
        """LINE's message objects to one friend, by a bound number or by user ID; anybody else is `not-a-friend`."""
        body: JsonObject = {"channel": channel, "messages": list(messages)}
        optional = {"to": to, "user_id": user_id, "reference": reference}
        body |= {k: v for k, v in optional.items() if v is not None}
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._call("POST", "/v1/messages", json=body, headers=headers)

    def message(self, message_id: str) -> JsonObject:
        return self._call("GET", f"/v1/messages/{message_id}")

    def messages(self, **filters: str) -> Iterator[JsonObject]:
        """All ordinary messages, the newest first; filters: state, reference."""
        cursor: dict[str, str] = {}
        while True:
            page = self._call("GET", "/v1/messages", params={**filters, **cursor})
            yield from page["messages"]
            if "next" not in page:
                return
            cursor = {"cursor": page["next"]}

    # Friends and recipients

    def sync_friends(self, channel: str) -> JsonObject:
        """Asks for LINE's followers list to be read; `friends` says how far that is."""
        return self._call("POST", f"/v1/channels/{quote(channel, safe='')}/friends/sync")

    def friends(self, channel: str) -> JsonObject:
        """How many users of a channel are in each state, and the last reading of LINE's list."""
        return self._call("GET", f"/v1/channels/{quote(channel, safe='')}/friends")

    def friend_list(self, channel: str, **filters: str) -> Iterator[JsonObject]:
        """All users of a channel; filters: state."""
        path = f"/v1/channels/{quote(channel, safe='')}/friends/list"
        return self._pages(path, "friends", {"limit": "1000", **filters})

    def bind(self, *, channel: str, number: str, user_id: str, way: str, **more: str) -> JsonObject:
        """Says that a user bound a number to their LINE account by their own act; more: consent, bound_at."""
        body = {"channel": channel, "number": number, "user_id": user_id, "way": way, **more}
        return self._call("POST", "/v1/bindings", json=body)

    def bindings(self, **filters: str) -> Iterator[JsonObject]:
        """The bindings that stand, the newest first; `ended="true"`: the others too."""
        return self._pages("/v1/bindings", "bindings", filters)

    def unbind(self, binding_id: str, why: str | None = None) -> JsonObject:
        return self._call("DELETE", f"/v1/bindings/{quote(binding_id, safe='')}", json={"why": why})

    def lookup(self, number: str, channel: str | None = None) -> JsonObject:
        """What is known of a number: bindings, friendships, the last notices."""
        return self._call("POST", "/v1/recipients/lookup", json={"number": number, "channel": channel})

    def _pages(self, path: str, name: str, filters: Mapping[str, str]) -> Iterator[JsonObject]:
        cursor: dict[str, str] = {}
        while True:
            page = self._call("GET", path, params={**filters, **cursor})
            yield from page[name]
            if "next" not in page:
                return
            cursor = {"cursor": page["next"]}

    # Lists

    def send_file(
        self,
        file: Path,
        *,
        channel: str,
        template: str,
        policy: str | None = None,
        encoding: str | None = None,
        columns: str | None = None,
        dry_run: bool = False,
    ) -> JsonObject:
        """Uploads a list; the answer has the batch's `id`."""
        data = {"channel": channel, "template": template, "dry_run": str(dry_run).lower()}
        optional = {"policy": policy, "encoding": encoding, "columns": columns}
        data |= {k: v for k, v in optional.items() if v is not None}
        with file.open("rb") as opened:
            return self._call(
                "POST", "/v1/batches", data=data, files={"file": (file.name, opened, "text/csv")}
            )

    def batch(self, batch_id: str) -> JsonObject:
        return self._call("GET", f"/v1/batches/{batch_id}")

    def cancel_batch(self, batch_id: str) -> JsonObject:
        return self._call("POST", f"/v1/batches/{batch_id}/cancel")

    def rejects(self, batch_id: str) -> str:
        """The refused rows as CSV."""
        return self._request("GET", f"/v1/batches/{batch_id}/rejects.csv").text

    # Reports

    def report(self, name: str, **scope: str) -> JsonObject:
        """`name`: funnel, cost or latency; scope: batch, channel, since, until."""
        return self._call("GET", f"/v1/reports/{name}", params=scope)

    def reconcile(self, **asked: Any) -> JsonObject:
        """Asks LINE for its counts now and compares them with ours: channel, since, until (days such as 2026-08-07,
        both counted), or days up to yesterday. Left out: yesterday, of all channels.
        """
        return self._call("POST", "/v1/reports/reconciliation/run", json=asked)
