"""One method a call of the API; each answers the JSON as a dict."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from todoke_client.batches import BatchCalls
from todoke_client.checks import CheckCalls
from todoke_client.connection import JsonObject
from todoke_client.granted_keys import GrantedKeyCalls
from todoke_client.reviews import ReviewCalls
from todoke_client.uploads import UploadCalls


class Todoke(BatchCalls, ReviewCalls, GrantedKeyCalls, CheckCalls, UploadCalls):
    """A connection to a gateway. `base_url` is its address, `api_key` a key of an account there."""

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

    def template(self, template: str) -> JsonObject:
        """By name (its newest version) or id."""
        return self._call("GET", f"/v1/templates/{quote(template, safe='')}")

    def check_template(self, template: Mapping[str, Any]) -> JsonObject:
        """What the content check finds in a template. Nothing is stored."""
        return self._call("POST", "/v1/checks", json={"template": dict(template)})

    def preview(
        self,
        template: str,
        *,
        language: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        captions: str = "en",
    ) -> str:
        """How a template looks on phones, filled with its examples or with `parameters`: an HTML page of one file."""
        query = {"captions": captions} | ({} if language is None else {"language": language})
        path = f"/v1/templates/{quote(template, safe='')}/preview"
        if parameters is None:
            return self._request("GET", path, params=query).text
        return self._request("POST", path, params=query, json={"parameters": dict(parameters)}).text

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

    def webhook_endpoint(self, endpoint_id: str) -> JsonObject:
        """Where it is, what it gets, and how it fares."""
        return self._call("GET", f"/v1/webhook-endpoints/{endpoint_id}")

    def create_webhook_endpoint(
        self, *, url: str, events: Sequence[str], secret: str | None = None, description: str | None = None
    ) -> JsonObject:
        """The answer has the secret with which webhooks are signed, this once."""
        body: JsonObject = {"url": url, "events": list(events), "secret": secret, "description": description}
        given = {k: v for k, v in body.items() if v is not None}
        return self._call("POST", "/v1/webhook-endpoints", json=given)

    def change_webhook_endpoint(
        self,
        endpoint_id: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        description: str | None = None,
    ) -> JsonObject:
        body = {
            "url": url,
            "events": None if events is None else list(events),
            "description": description,
        }
        given = {k: v for k, v in body.items() if v is not None}
        return self._call("PATCH", f"/v1/webhook-endpoints/{endpoint_id}", json=given)

    def remove_webhook_endpoint(self, endpoint_id: str) -> None:
        self._call("DELETE", f"/v1/webhook-endpoints/{endpoint_id}")

    def pause_webhook_endpoint(self, endpoint_id: str) -> JsonObject:
        """Nothing is posted to it until it is resumed; what happens meanwhile is queued."""
        return self._call("POST", f"/v1/webhook-endpoints/{endpoint_id}/pause")

    def resume_webhook_endpoint(self, endpoint_id: str) -> JsonObject:
        """All that is queued for it goes out now."""
        return self._call("POST", f"/v1/webhook-endpoints/{endpoint_id}/resume")

    def test_webhook_endpoint(self, endpoint_id: str) -> JsonObject:
        """Posts an event `test` now; what came back, and what to mend."""
        return self._call("POST", f"/v1/webhook-endpoints/{endpoint_id}/test")

    def rotate_webhook_secret(
        self, endpoint_id: str, *, secret: str | None = None, at_once: bool = False
    ) -> JsonObject:
        """The answer has the new secret, this once. The old one signs too for 24 hours, unless `at_once`."""
        body = {"at_once": at_once} | ({} if secret is None else {"secret": secret})
        return self._call("POST", f"/v1/webhook-endpoints/{endpoint_id}/rotate-secret", json=body)

    def postings(self, endpoint_id: str, **filters: str) -> Iterator[JsonObject]:
        """What was posted to an endpoint, the newest first; filters: state, event, about."""
        return self._pages(f"/v1/webhook-endpoints/{endpoint_id}/postings", "postings", filters)

    def posting(self, endpoint_id: str, posting_id: str) -> JsonObject:
        """One webhook, with its body."""
        return self._call("GET", f"/v1/webhook-endpoints/{endpoint_id}/postings/{posting_id}")

    def replay_posting(self, endpoint_id: str, posting_id: str) -> JsonObject:
        """Posts a webhook again, with the same webhook-id."""
        return self._call("POST", f"/v1/webhook-endpoints/{endpoint_id}/postings/{posting_id}/replay")

    def replay_webhooks(
        self, endpoint_id: str, *, since: str, until: str | None = None, only_failed: bool = False
    ) -> int:
        """Posts again what happened in a time (RFC 3339); how many webhooks that are."""
        body = {"from": since, "only_failed": only_failed} | ({} if until is None else {"until": until})
        answer = self._call("POST", f"/v1/webhook-endpoints/{endpoint_id}/replay", json=body)
        return int(answer["replayed"])

    # The webhook hub

    def hub_targets(self) -> list[JsonObject]:
        """The systems that get what LINE posts, each with its health."""
        return list(self._call("GET", "/v1/hub-targets")["hub_targets"])

    def hub_target(self, target_id: str) -> JsonObject:
        return self._call("GET", _target(target_id))

    def create_hub_target(
        self,
        *,
        channel: str,
        name: str,
        url: str,
        types: Sequence[str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JsonObject:
        """From now on it gets what LINE posts for the channel; `types`: only requests with such an event."""
        body: JsonObject = {"channel": channel, "name": name, "url": url}
        body |= {} if types is None else {"types": list(types)}
        body |= {} if headers is None else {"headers": dict(headers)}
        return self._call("POST", "/v1/hub-targets", json=body)

    def change_hub_target(self, target_id: str, **change: Any) -> JsonObject:
        """name, url, types, headers."""
        return self._call("PATCH", _target(target_id), json=change)

    def remove_hub_target(self, target_id: str) -> None:
        self._call("DELETE", _target(target_id))

    def pause_hub_target(self, target_id: str, why: str | None = None) -> JsonObject:
        return self._call("POST", _target(target_id, "/pause"), json={"why": why})

    def resume_hub_target(self, target_id: str) -> JsonObject:
        return self._call("POST", _target(target_id, "/resume"))

    def test_hub_target(self, target_id: str) -> JsonObject:
        """Posts LINE's connection check; ok, status, detail, took_ms."""
        return self._call("POST", _target(target_id, "/test"))

    def replay_hub_target(self, target_id: str, since: str, until: str | None = None) -> JsonObject:
        """Passes on once more what came since that time (RFC 3339), up to `until` or now."""
        return self._call("POST", _target(target_id, "/replay"), json={"from": since, "until": until})

    def end_hub_replay(self, target_id: str) -> JsonObject:
        return self._call("DELETE", _target(target_id, "/replay"))

    def hub_skips(self, target_id: str) -> Iterator[JsonObject]:
        """What a target did not get, the newest first."""
        return self._pages(_target(target_id, "/skips"), "skips", {})

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
        source: str | None = None,
        language: str | None = None,
        event_at: str | None = None,
        idempotency_key: str | None = None,
        dry_run: bool = False,
    ) -> JsonObject:
        """Sends one notice. With an `idempotency_key` it is safe to call again after a broken connection."""
        body = {"channel": channel, "template": template, "to": to, "parameters": dict(parameters)}
        optional: JsonObject = {"policy": policy, "reference": reference, "deadline": deadline}
        optional |= {"source": source, "language": language, "event_at": event_at}
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

    def doubt(self, binding_id: str) -> JsonObject:
        """Says that the number may be another person's now: nothing is pushed until the user confirms it again."""
        return self._call("POST", f"/v1/bindings/{quote(binding_id, safe='')}/doubt")

    def bind_link(self, *, channel: str, **more: str) -> JsonObject:
        """A link by which a user binds their number: `url`. `more`: number or user_id, language."""
        return self._call("POST", "/v1/bind-links", json={"channel": channel, **more})

    def bind_links(self, **filters: str) -> Iterator[JsonObject]:
        """Bind links, the newest first. Filters: channel, state."""
        return self._pages("/v1/bind-links", "bind_links", filters)

    def binding_settings(self, channel: str) -> JsonObject:
        """What a channel tells users who bind their number, and what it allows."""
        return self._call("GET", f"/v1/channels/{quote(channel, safe='')}/binding")

    def set_binding_settings(self, channel: str, **settings: Any) -> JsonObject:
        """Sets them as a whole: brand, consent (language → text), greets, link_lasts, binding_lasts."""
        return self._call("PUT", f"/v1/channels/{quote(channel, safe='')}/binding", json=settings)

    def lookup(self, number: str, channel: str | None = None) -> JsonObject:
        """What is known of a number: bindings, friendships, the last notices."""
        return self._call("POST", "/v1/recipients/lookup", json={"number": number, "channel": channel})

    def export_person(self, *, number: str | None = None, user_id: str | None = None) -> JsonObject:
        """All that is kept of a person, in full: for them alone."""
        return self._call("POST", "/v1/recipients/export", json={"number": number, "user_id": user_id})

    def erase_person(
        self, *, number: str | None = None, user_id: str | None = None, why: str | None = None
    ) -> JsonObject:
        """Erases all that is kept of a person; the fact stays in the audit."""
        body = {"number": number, "user_id": user_id, "why": why}
        return self._call("POST", "/v1/recipients/erase", json=body)

    def audit(self, **filters: str) -> Iterator[JsonObject]:
        """What was done, the newest first; `what` picks one kind."""
        return self._pages("/v1/audit", "audit", filters)

    # Suppressed recipients, and where numbers came from

    def suppress(
        self,
        number: str,
        *,
        scope: str = "all",
        reason: str = "manual",
        note: str | None = None,
        channel: str | None = None,
    ) -> JsonObject:
        """Nothing (`all`), or no SMS (`sms`), goes to this number any more."""
        body = {"number": number, "scope": scope, "reason": reason, "note": note, "channel": channel}
        return self._call("POST", "/v1/suppressions", json=body)

    def suppressions(self, **filters: str) -> Iterator[JsonObject]:
        """Those that stand, the newest first; filters: reason, scope; `ended="true"`: the others too."""
        return self._pages("/v1/suppressions", "suppressions", filters)

    def suppression_counts(self) -> JsonObject:
        return self._call("GET", "/v1/suppressions/counts")

    def unsuppress(self, suppression_id: str, why: str | None = None) -> JsonObject:
        """Ends a suppression; `why` is needed after an opt_out or a complaint."""
        return self._call("DELETE", f"/v1/suppressions/{quote(suppression_id, safe='')}", json={"why": why})

    def import_suppressions(
        self, numbers: Path | Sequence[str | Mapping[str, Any]], **common: str | None
    ) -> JsonObject:
        """Up to 100,000, from a CSV file or as a list; common: scope, reason, note, channel, and encoding of a file.
        `rejects` in the answer has the refused rows.
        """
        given = {k: v for k, v in common.items() if v is not None}
        path = "/v1/suppressions/import"
        if not isinstance(numbers, Path):
            return self._call("POST", path, json={"numbers": list(numbers), **given})
        with numbers.open("rb") as opened:
            return self._call("POST", path, data=given, files={"file": (numbers.name, opened, "text/csv")})

    def create_source(self, *, name: str, ground: str, origin: str, **more: str) -> JsonObject:
        """Where numbers came from; more: collected_from, collected_until. Notices name it with `source`."""
        body = {"name": name, "ground": ground, "origin": origin, **more}
        return self._call("POST", "/v1/sources", json=body)

    def sources(self, *, ended: bool = False) -> list[JsonObject]:
        """By name; `ended`: those too that no new notice may name."""
        return list(self._call("GET", "/v1/sources", params={"ended": str(ended).lower()})["sources"])

    def change_source(self, source: str, **change: Any) -> JsonObject:
        """ground, origin, collected_from, collected_until, ended."""
        return self._call("PATCH", f"/v1/sources/{quote(source, safe='')}", json=change)

    def end_source(self, source: str) -> JsonObject:
        return self._call("DELETE", f"/v1/sources/{quote(source, safe='')}")

    def _pages(self, path: str, name: str, filters: Mapping[str, str]) -> Iterator[JsonObject]:
        cursor: dict[str, str] = {}
        while True:
            page = self._call("GET", path, params={**filters, **cursor})
            yield from page[name]
            if "next" not in page:
                return
            cursor = {"cursor": page["next"]}

    # Reports

    def report(self, name: str, **scope: str) -> JsonObject:
        """`name`: funnel, cost or latency, with scope batch, channel, since, until; silence, block-rate or growth, with
        channel, from, until.
        """
        return self._call("GET", f"/v1/reports/{name}", params=scope)

    def forecast(self, **asked: Any) -> JsonObject:
        """What a list would come to before it is sent: channel, template, policy, and count (also by country), numbers
        or batch; further fields as in POST /v1/reports/forecast. Nothing is stored or sent.
        """
        return self._call("POST", "/v1/reports/forecast", json=asked)

    def silence(self, **scope: str) -> JsonObject:
        """Why notices stayed silent, by the likeliest cause; scope: channel, from, until (times)."""
        return self.report("silence", **scope)

    def block_rate(self, **scope: str) -> JsonObject:
        """How many friends leave, day by day; scope: channel, from, until (LINE's days, both counted)."""
        return self.report("block-rate", **scope)

    def growth(self, **scope: str) -> JsonObject:
        """Friends won and bindings made after notices; scope: channel, from, until (times)."""
        return self.report("growth", **scope)

    def numbers_to_refresh(self) -> Iterator[JsonObject]:
        """Numbers whose health is stale or bad, masked, each with its newest notice."""
        return self._pages("/v1/reports/number-health", "numbers", {})

    def reconcile(self, **asked: Any) -> JsonObject:
        """Asks LINE for its counts now and compares them with ours: channel, since, until (days such as 2026-08-07,
        both counted), or days up to yesterday. Left out: yesterday, of all channels.
        """
        return self._call("POST", "/v1/reports/reconciliation/run", json=asked)


def _target(target_id: str, what: str = "") -> str:
    return f"/v1/hub-targets/{quote(target_id, safe='')}{what}"
