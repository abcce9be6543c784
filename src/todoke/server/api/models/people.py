"""Bodies about recipients."""

from typing import Any, Literal

from pydantic import Field

from todoke.core.suppression import Cause, Ground, Scope
from todoke.server.api.models.base import Name, Strict


class BindingIn(Strict):
    """A number that a LINE user has bound to their account, in your own system and by their own act."""

    channel: str = Field(
        max_length=100, description="The name or id of a channel of the provider that the user ID is of."
    )
    number: str | int = Field(description="A mobile number of Taiwan, Thailand or Japan, as people type it.")
    user_id: str = Field(
        pattern=r"^U[0-9a-f]{32}$", max_length=33, description="LINE's user ID: U and 32 of 0-9, a-f."
    )
    way: str = Field(
        pattern=r"^[A-Za-z0-9_.-]{1,40}$",
        description="How the user did it, a short word of your own, such as account_link.",
        examples=["account_link"],
    )
    consent: str | None = Field(None, max_length=4000, description="The text that the user agreed to.")
    bound_at: str | None = Field(
        None, max_length=40, description="When the user did it, RFC 3339. Left out: now."
    )


class BindLinkIn(Strict):
    """A link by which a user binds their number to their LINE account."""

    channel: str = Field(max_length=100, description="The channel's name or id.")
    number: str | int | None = Field(
        None,
        description="The number to bind, as people type it. Left out: the page asks for it.",
        examples=["0912345678"],
    )
    user_id: str | None = Field(
        None,
        pattern=r"^U[0-9a-f]{32}$",
        max_length=33,
        description="The LINE user whom the link is for; nobody else can use it. Left out: whoever sends the link's "
        "word in the chat.",
    )
    language: Literal["zh-Hant", "th", "ja", "en"] | None = Field(
        None, description="Of the page, the SMS and the chat. Left out: as the browser says."
    )


class BindSettingsIn(Strict):
    """What a channel says and allows where users bind their numbers. What is left out goes back to what comes with
    Todoke."""

    brand: Name | None = Field(
        None, description="The name that users know you by. Left out: the channel's name."
    )
    consent: dict[str, str] = Field(
        default_factory=dict,
        max_length=4,
        description="Language (zh-Hant, th, ja, en) → the text that users agree to; {brand} is filled in. A language "
        "that is left out has the text that comes with Todoke.",
    )
    greets: bool = Field(
        True, description="Whether users who add the account, or ask in the chat, are given a link."
    )
    link_lasts: str = Field(
        "7d",
        max_length=10,
        description="How long a link lasts, 10m to 30d; one for a LINE user a day at most.",
    )
    binding_lasts: str = Field(
        "180d", max_length=10, description="How long a binding counts from its last confirmation, 1d to 730d."
    )


class UnbindIn(Strict):
    """Why a binding ends."""

    why: str | None = Field(None, max_length=200, examples=["the customer asked for it"])


class SuppressionIn(Strict):
    """A recipient who is to get nothing, or no SMS."""

    number: str | int = Field(description="A mobile number of Taiwan, Thailand or Japan, as people type it.")
    scope: Scope = Field(Scope.ALL, description="all: nothing. sms: no SMS; the other steps run.")
    reason: Cause = Field(
        Cause.MANUAL,
        description="opt_out: the person's own word. complaint: they complained. manual: you decided so.",
    )
    note: str | None = Field(
        None, max_length=200, description="Who said so and how.", examples=["by phone, ticket 4711"]
    )
    channel: str | None = Field(
        None, max_length=100, description="Whose region a number without a country code belongs to."
    )


class SuppressionsIn(Strict):
    """Up to 100,000 recipients. What an entry does not say itself is taken from beside the list."""

    numbers: list[Any] = Field(
        min_length=1,
        max_length=100_000,
        description="Numbers, or objects with number, and perhaps scope, reason, note.",
        examples=[["0912-345-678", {"number": "+66812345678", "scope": "sms"}]],
    )
    scope: Scope = Scope.ALL
    reason: Cause = Cause.MANUAL
    note: str | None = Field(None, max_length=200)
    channel: str | None = Field(None, max_length=100)


class SuppressionEndIn(Strict):
    """Why a suppression ends."""

    why: str | None = Field(None, max_length=200, examples=["asked for messages again by phone, ticket 4712"])


class SourceIn(Strict):
    """Where numbers came from, and on what ground they may be used."""

    name: Name = Field(examples=["shop orders"])
    ground: Ground = Field(description="The ground in law on which you use the numbers.")
    origin: str = Field(
        min_length=1,
        max_length=500,
        description="How the numbers were got, and what the people were told.",
        examples=["order form of the shop, box 3: text me when the parcel is there"],
    )
    collected_from: str | None = Field(None, max_length=40, description="RFC 3339.")
    collected_until: str | None = Field(None, max_length=40)


class SourcePatch(Strict):
    """What to change; what is left out stays."""

    ground: Ground | None = None
    origin: str | None = Field(None, min_length=1, max_length=500)
    collected_from: str | None = Field(None, max_length=40)
    collected_until: str | None = Field(None, max_length=40)
    ended: bool | None = Field(None, description="true: no new notice may name it.")


class LookupIn(Strict):
    """A recipient, by number."""

    number: str | int = Field(description="A mobile number of Taiwan, Thailand or Japan, as people type it.")
    channel: str | None = Field(
        None, max_length=100, description="Only what concerns this channel, by its name or id."
    )


class PersonIn(Strict):
    """A person: by number, by LINE user ID, or by both."""

    number: str | int | None = Field(
        None, description="A mobile number of Taiwan, Thailand or Japan, as people type it."
    )
    user_id: str | None = Field(None, pattern=r"^U[0-9a-f]{32}$", description="A LINE user ID.")


class EraseIn(PersonIn):
    """A person whose data are to be erased."""

    why: str | None = Field(
        None,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Kept in the audit: a ticket's number, never the person's name or number.",
    )
