"""Sends SMS through a declared provider: one request, one outcome, never a second request by itself."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from yarl import URL

from todoke.carriers import InboundEvent, SmsMessage
from todoke.carriers.over_http import NOTHING_LEFT, clean, no_answer, read_body, timeouts
from todoke.carriers.sms_http.answers import Judge
from todoke.carriers.sms_http.declaration import Declaration, DeclarationError
from todoke.carriers.sms_http.paths import as_text
from todoke.carriers.sms_http.placeholders import MESSAGE, compiled, names, national, secrets_in
from todoke.carriers.sms_http.receipts import ReceiptReader
from todoke.core.outcome import Answer, Outcome

_CONTENT_TYPES = {"form": "application/x-www-form-urlencoded", "json": "application/json"}


class SmsHttpCarrier:
    """The carrier for SMS over one provider; a `Carrier[SmsMessage]`.

    `http`: from `make_session`, closed by whoever made it. `secrets`: name to value, for `{secret:NAME}`;
    they never stand in an error or a detail. `receipt_url`, `receipt_token`: where the provider posts
    receipts and how it shows who it is; `receipt_token` is also the `secret` that `check` wants. Raises
    DeclarationError for a secret or receipt setting that the declaration needs and that is empty.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        declaration: Declaration,
        secrets: Mapping[str, str],
        receipt_url: str = "",
        receipt_token: str = "",
    ) -> None:
        self._http = http
        self.declaration = declaration
        self._constants = _constants(declaration, secrets, receipt_url, receipt_token)
        # Longest first: a secret that is part of another must not leave the other's rest readable.
        self._hidden = sorted(
            (value for value in self._constants.values() if len(value) > 3), key=len, reverse=True
        )
        url_constants = {name: quote(value, safe="") for name, value in self._constants.items()}
        self._url = str(compiled(declaration.url, url_constants)({}))
        self._headers = compiled(dict(declaration.headers), self._constants)
        self._fields = compiled(declaration.fields, self._constants)
        self._needs_national = "to_national" in names(declaration.fields) | names(declaration.headers)
        self._judge = Judge(declaration)
        self._receipts = ReceiptReader(declaration)
        self._timeout = timeouts(declaration.timeout_seconds)
        # aiohttp repeats GET and PUT on a broken connection by itself. Here that would be a second SMS.
        self._middlewares = () if declaration.method == "POST" else (_only_once,)

    @property
    def gives_proof(self) -> bool:
        """Whether a final receipt follows an accepted message."""
        return self.declaration.receipts

    async def send(self, message: SmsMessage, tag: str) -> Answer:
        """One request. Raises nothing for what the provider or the network does."""
        values = {"to": message.to, "to_digits": message.to.lstrip("+"), "text": message.text, "tag": tag}
        if self._needs_national:
            try:
                values["to_national"] = national(message.to)
            except ValueError:
                return Answer(outcome=Outcome.FAILED, detail="not sent: the number has no national form")
        url, headers, data = self._request(values)
        try:
            response = await self._http.request(
                self.declaration.method,
                url,
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=self._timeout,
                middlewares=self._middlewares,
            )
        except (
            Exception
        ) as exc:  # aiohttp also lets AssertionError and ValueError through; the request may be out
            return no_answer(exc)
        answer = self._judge.judge(response.status, await read_body(response), response.headers)
        if answer.detail is None:
            return answer
        return msgspec.structs.replace(answer, detail=self._without_secrets(answer.detail, message.text))

    def check(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature unless the receipt token is in its place. With `body: query` hand in the URL's
        query as the body, here and in `read_events`.
        """
        self._receipts.check(headers, body, secret)

    def read_events(self, headers: Mapping[str, str], body: bytes, now: int) -> list[InboundEvent]:
        """A posted receipt's news: see `ReceiptReader.read`."""
        return self._receipts.read(body, now)

    def _request(self, values: Mapping[str, str]) -> tuple[URL, dict[str, str], bytes | None]:
        headers = dict(self._headers(values))  # type: ignore[call-overload]
        fields = self._fields(values)
        encoding = self.declaration.encoding
        if encoding == "json":
            data = msgspec.json.encode(fields)
        else:
            assert isinstance(fields, dict)
            data = urlencode({name: as_text(value) or "" for name, value in fields.items()}).encode()
        if encoding == "query":
            joint = "&" if "?" in self._url else "?"
            return URL(f"{self._url}{joint}{data.decode()}", encoded=True), headers, None
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = _CONTENT_TYPES[encoding]
        return URL(self._url), headers, data

    def _without_secrets(self, detail: str, text: str) -> str:
        """`detail` fit for logs. Providers quote what they were sent, the text of the notice and passwords
        included.
        """
        for value in self._hidden:
            detail = detail.replace(value, "•••")
        if text:
            detail = detail.replace(text, "…")
        return clean(detail)


def _constants(
    declaration: Declaration, secrets: Mapping[str, str], receipt_url: str, receipt_token: str
) -> dict[str, str]:
    """Values of all placeholders that do not change from message to message."""
    file = f"SMS carrier {declaration.name}"
    constants = {"receipt_url": receipt_url, "receipt_token": receipt_token}
    for name in secrets_in(declaration.url, declaration.headers, declaration.fields):
        value = secrets.get(name, "")
        if not value:
            raise DeclarationError(
                file, f"secret {name}", "is not set: the declaration uses it, set its value"
            )
        if not value.isprintable():
            raise DeclarationError(
                file, f"secret {name}", "holds a line end or other invisible character: set it anew"
            )
        constants[f"secret:{name}"] = value
    used = names(declaration.fields) | names(declaration.headers)
    if "receipt_url" in used and not receipt_url:
        raise DeclarationError(
            file, "receipt_url", "is empty: set the base URL under which the provider reaches us"
        )
    if not receipt_token and (declaration.receipts or "receipt_token" in used):
        raise DeclarationError(file, "receipt_token", "is empty: receipts could be made up by anybody")
    assert not constants.keys() & MESSAGE
    return constants


class _Broken(aiohttp.ClientError):
    """A connection that broke after it was made; a class that aiohttp does not repeat a request for."""


async def _only_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    try:
        return await handler(request)
    except NOTHING_LEFT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
        raise _Broken("the connection broke before the answer") from exc
