"""What a declaration of an SMS provider may say, field by field. The same table for people:
`docs/sms-carriers.md`.
"""

from typing import Annotated, Any, Literal

import msgspec

Scalar = str | int | float | bool | None
"""A value as YAML or JSON writes it; compared as text (see `paths.as_text`), so that 0 and "0" are the
same.
"""

Status = str | int | float | bool
"""Of a receipt. Not null: a receipt without a status decides nothing."""

Charset = Literal["utf-8", "big5", "cp950", "shift_jis", "cp932", "tis-620", "cp874"]

StatusRange = Annotated[str, msgspec.Meta(pattern=r"^[1-5][0-9]{2}-[1-5][0-9]{2}$")]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Misspelt fields must not pass in silence: they would change what counts as sent."""


class JsonIs(_Part, frozen=True, kw_only=True):
    """The value at `path` of a JSON answer is one of these."""

    path: str
    one_of: Annotated[list[Scalar], msgspec.Meta(min_length=1)]


class Rule(_Part, frozen=True, kw_only=True):
    """Holds if every part that is given holds."""

    statuses: list[int | StatusRange] | None = None
    """HTTP statuses: 200, or "200-299"."""
    json: JsonIs | None = None
    text: str | None = None
    """A regular expression found in the body."""


class Where(_Part, frozen=True, kw_only=True):
    """A place in an answer: a JSON path, or a regular expression whose first group is the value. Exactly
    one.
    """

    json: str | None = None
    text: str | None = None


class Auth(_Part, frozen=True, kw_only=True):
    """How a receipt shows that the provider sent it: our receipt token comes back, or it is signed."""

    by: Literal["bearer", "header", "field", "query", "hmac"]
    """`Authorization: Bearer TOKEN`; the header `name`; the receipt's own field `name`; the parameter `name` in
    the query of the URL, whatever the body is; an HMAC of the raw body in the header `name`."""
    name: str | None = None
    hash: Literal["sha1", "sha256", "sha512"] = "sha256"
    """Of `hmac`."""
    written: Literal["hex", "base64"] = "hex"
    """How the header writes the HMAC."""
    prefix: str = ""
    """What stands before it in the header, as in `sha256=`."""
    key: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """The name of the secret that is the HMAC's key; without it the receipt token is."""


class Receipt(_Part, frozen=True, kw_only=True):
    """How to read a posted delivery receipt."""

    body: Literal["json", "form", "query"]
    """`query`: the receipt is in the URL's query, and the caller hands that in as the body."""
    auth: Auth
    items: str | None = None
    """Where the list of receipts is inside a JSON body; without it the body is the list, or one receipt."""
    tag: str | None = None
    """Where our delivery tag comes back: it says which message this is about."""
    message_id: str | None = None
    """Where the provider's own message id is; without `tag` that says which message this is about."""
    status: str
    delivered: Annotated[list[Status], msgspec.Meta(min_length=1)]
    failed: Annotated[list[Status], msgspec.Meta(min_length=1)]
    """Final: it was not and will not be delivered."""
    intermediate: list[Status] = []
    """Neither: such receipts are ignored."""
    time: str | None = None
    time_format: str | None = None
    """strptime's format; without it RFC 3339, or seconds or milliseconds since 1970."""
    utc_offset: Annotated[str, msgspec.Meta(pattern=r"^[+-][0-9]{2}:[0-9]{2}$")] = "+00:00"
    """Of times that do not name their own."""


class Replies(_Part, frozen=True, kw_only=True):
    """How to read the SMS that people send back, as they are posted."""

    body: Literal["json", "form", "query"]
    auth: Auth
    items: str | None = None
    """Where the list of them is inside a JSON body; without it the body is the list, or one of them."""
    number: str = msgspec.field(name="from")
    """Where the number is that wrote it."""
    text: str
    id: str | None = None
    """Where the provider's own id of it is: one that is posted twice then counts once."""
    time: str | None = None
    time_format: str | None = None
    utc_offset: Annotated[str, msgspec.Meta(pattern=r"^[+-][0-9]{2}:[0-9]{2}$")] = "+00:00"
    country: Literal["TW", "TH", "JP"] | None = None
    """Of numbers that come without a country code."""
    charset: Charset = "utf-8"
    """Of a form or query."""
    written: Literal["text", "ucs2_hex"] = "text"
    """`ucs2_hex`: the text comes as UCS-2 in hexadecimal digits."""


class Declaration(_Part, frozen=True, kw_only=True):
    """One SMS provider. Made by `load.load_declaration`, which also checks what types can't say."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    """Stands in `/sms/{name}/receipts`, in reports and in costs."""
    kind: Literal["http"] = "http"
    """Other kinds are other carriers: see `todoke.carriers.declarations`."""
    url: str
    """May hold `{secret:NAME}` in path and query, never in the host."""
    method: Literal["GET", "POST", "PUT"] = "POST"
    encoding: Literal["form", "json", "query"]
    charset: Charset = "utf-8"
    """Of what leaves as form or query, and of the answer where rules and places read it as text."""
    headers: dict[str, str] = {}
    fields: Annotated[dict[str, Any], msgspec.Meta(min_length=1)]
    """Values may hold the placeholders of `placeholders.py`; lists and objects inside with `json` only."""
    success: Rule
    """The provider took the message. A 2xx that neither this nor `surely_failed` knows is `unknown`."""
    surely_failed: Rule | None = None
    """The provider's clear no. 4xx are one without being named; 5xx never are."""
    message_id: Where | None = None
    error: Where | None = None
    """The provider's words on why not; shown masked."""
    receipts: bool
    receipt: Receipt | None = None
    replies: Replies | None = None
    """Without it nothing that people send back is taken."""
    countries: list[Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]] | None = None
    """Countries it delivers to (ISO 3166-1 alpha-2); none named: all."""
    timeout: Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)?(s|ms)$")] = "10s"

    @property
    def timeout_seconds(self) -> float:
        """`timeout` in seconds."""
        return float(self.timeout[:-2]) / 1000 if self.timeout.endswith("ms") else float(self.timeout[:-1])
