"""Sends SMS through a declared provider: one request, one outcome, never a second request by itself."""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import msgspec
from yarl import URL

from todoke.carriers import InboundEvent, SmsMessage
from todoke.carriers.cleaning import clean
from todoke.carriers.declarations import DeclarationError
from todoke.carriers.over_http import loaded, no_answer, read_body, timeouts
from todoke.carriers.sms_http.answers import Judge
from todoke.carriers.sms_http.declaration import Declaration
from todoke.carriers.sms_http.paths import as_text
from todoke.carriers.sms_http.placeholders import (
    MESSAGE,
    basics_in,
    compiled,
    names,
    national,
    secrets_in,
)
from todoke.carriers.sms_http.receipts import ReceiptReader
from todoke.carriers.sms_http.replies import HttpReplies
from todoke.core.outcome import Answer, Outcome

if TYPE_CHECKING:
    from aiohttp import ClientMiddlewareType

    from todoke.carriers.sessions import Http

_CONTENT_TYPES = {"form": "application/x-www-form-urlencoded", "json": "application/json"}


class SmsHttpCarrier:
    """The carrier for SMS over one provider; a `Carrier[SmsMessage]`.

    `http`: from `make_session`, closed by whoever made it. `secrets`: name to value, for `{secret:NAME}`;
    they never stand in an error or a detail. `receipt_url`, `reply_url`, `receipt_token`: where the provider
    posts receipts and what people send back, and how it shows who it is; `receipt_token` is also the `secret` that
    `check` wants. Raises
    DeclarationError for a secret or receipt setting that the declaration needs and that is empty.
    """

    def __init__(
        self,
        http: "Http",
        declaration: Declaration,
        secrets: Mapping[str, str],
        receipt_url: str = "",
        receipt_token: str = "",
        reply_url: str = "",
    ) -> None:
        self._http = http
        self.declaration = declaration
        urls = {"receipt_url": receipt_url, "reply_url": reply_url}
        self._constants = _constants(declaration, secrets, urls, receipt_token)
        # Longest first: a secret that is part of another must not leave the other's rest readable.
        self._hidden = sorted(
            (value for value in self._constants.values() if len(value) > 3), key=len, reverse=True
        )
        url_constants = {name: quote(value, safe="") for name, value in self._constants.items()}
        self._url = str(compiled(declaration.url, url_constants)({}))
        self._headers = compiled(dict(declaration.headers), self._constants)
        self._fields = compiled(declaration.fields, self._constants)
        used = names(declaration.fields) | names(declaration.headers)
        self._needs_national = "to_national" in used
        self._needs_ucs2 = "text_ucs2_hex" in used
        self._judge = Judge(declaration)
        key = None if declaration.receipt is None else declaration.receipt.auth.key
        self._receipts = ReceiptReader(declaration, self._constants.get(f"secret:{key}"))
        self.replies: HttpReplies | None = None
        """What people send back; None: its declaration does not say how that comes."""
        if (replies := declaration.replies) is not None:
            reply_key = self._constants.get(f"secret:{replies.auth.key}")
            self.replies = HttpReplies(declaration, replies, receipt_token, reply_key)

    @property
    def name(self) -> str:
        """As its declaration calls it."""
        return self.declaration.name

    @property
    def countries(self) -> frozenset[str] | None:
        """Where it delivers to; None: everywhere."""
        return None if self.declaration.countries is None else frozenset(self.declaration.countries)

    @property
    def why_not(self) -> str | None:
        """None: over HTTP nothing is known before a request is made."""
        return None

    @property
    def in_query(self) -> bool:
        """Whether its receipts stand in the query of the URL."""
        return self.declaration.receipt is not None and self.declaration.receipt.body == "query"

    @property
    def gives_proof(self) -> bool:
        """Whether a final receipt follows an accepted message."""
        return self.declaration.receipts

    async def send(self, message: SmsMessage, tag: str) -> Answer:
        """One request. Raises nothing for what the provider or the network does."""
        try:
            url, headers, data = self._request(self._values(message, tag))
        except _NoNationalForm:
            return Answer(outcome=Outcome.INVALID, detail="not sent: the number has no national form")
        except UnicodeEncodeError as exc:
            return Answer(outcome=Outcome.INVALID, detail=self._does_not_fit(exc, message.text))
        await loaded()
        try:
            response = await self._http.request(
                self.declaration.method,
                url,
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=timeouts(self.declaration.timeout_seconds),
                middlewares=_middlewares(self.declaration.method),
            )
        except (
            Exception
        ) as exc:  # aiohttp also lets AssertionError and ValueError through; the request may be out
            return no_answer(exc)
        answer = self._judge.judge(response.status, await read_body(response), response.headers)
        if answer.detail is None:
            return answer
        return msgspec.structs.replace(answer, detail=self._without_secrets(answer.detail, message.text))

    def check(self, headers: Mapping[str, str], body: bytes, secret: str, query: str = "") -> None:
        """Raises BadSignature unless the receipt token is in its place or the body is signed; `query` is the
        query of the URL it was posted to. With `body: query` hand in the query as the body too, here and in
        `read_events`.
        """
        self._receipts.check(headers, body, secret, query)

    def read_events(self, headers: Mapping[str, str], body: bytes, now: int) -> list[InboundEvent]:
        """A posted receipt's news: see `ReceiptReader.read`."""
        return self._receipts.read(body, now)

    def _values(self, message: SmsMessage, tag: str) -> dict[str, str]:
        values = {"to": message.to, "to_digits": message.to.lstrip("+"), "text": message.text, "tag": tag}
        if self._needs_national:
            try:
                values["to_national"] = national(message.to)
            except ValueError as exc:
                raise _NoNationalForm from exc
        if self._needs_ucs2:
            # A character beyond UCS-2 becomes two, as phones expect it (UTF-16).
            values["text_ucs2_hex"] = message.text.encode("utf-16-be").hex().upper()
        return values

    def _does_not_fit(self, exc: UnicodeEncodeError, text: str) -> str:
        character = exc.object[exc.start]
        which = f"the character U+{ord(character):04X} of the text" if character in text else "a secret"
        return f"not sent: {which} can't be written in {self.declaration.charset}"

    def _request(self, values: Mapping[str, str]) -> tuple[URL, dict[str, str], bytes | None]:
        headers = dict(self._headers(values))  # type: ignore[call-overload]
        fields = self._fields(values)
        encoding = self.declaration.encoding
        if encoding == "json":
            data = msgspec.json.encode(fields)
        else:
            assert isinstance(fields, dict)
            plain = {name: as_text(value) or "" for name, value in fields.items()}
            data = urlencode(plain, encoding=self.declaration.charset, errors="strict").encode()
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
            if self._needs_ucs2:
                detail = detail.replace(text.encode("utf-16-be").hex().upper(), "…")
        return clean(detail)


def _constants(
    declaration: Declaration, secrets: Mapping[str, str], urls: Mapping[str, str], receipt_token: str
) -> dict[str, str]:
    """Values of all placeholders that do not change from message to message."""
    file = f"SMS carrier {declaration.name}"
    constants = {**urls, "receipt_token": receipt_token}
    parts = (declaration.url, declaration.headers, declaration.fields)
    posted = [part for part in (declaration.receipt, declaration.replies) if part is not None]
    for name in secrets_in(*parts) | {part.auth.key for part in posted if part.auth.key}:
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
    for placeholder, (user, password) in basics_in(*parts).items():
        if ":" in constants[f"secret:{user}"]:
            raise DeclarationError(
                file,
                f"secret {user}",
                "holds a colon, which a user name of Basic authentication can't: check it",
            )
        pair = f"{constants[f'secret:{user}']}:{constants[f'secret:{password}']}"
        constants[placeholder] = base64.b64encode(pair.encode()).decode()
    used = names(declaration.fields) | names(declaration.headers)
    for name, url in urls.items():
        if name in used and not url:
            raise DeclarationError(
                file, name, "is empty: set the base URL under which the provider reaches us"
            )
    if not receipt_token and (posted or "receipt_token" in used):
        raise DeclarationError(file, "receipt_token", "is empty: receipts could be made up by anybody")
    assert not constants.keys() & MESSAGE
    return constants


class _NoNationalForm(Exception):
    """A number that can't be dialled at home."""


def _middlewares(method: str) -> "tuple[ClientMiddlewareType, ...]":
    """aiohttp repeats GET and PUT on a broken connection by itself. Here that would be a second SMS."""
    if method == "POST":
        return ()
    from todoke.carriers.sms_http.once import only_once  # noqa: PLC0415

    return (only_once,)
