"""Applications to use a use case: made, changed, commented. How they and templates' versions move: `reviewing`."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

import line_catalogue
from todoke.actions.channels import Conflict
from todoke.actions.intake import Invalid, NotFound
from todoke.actions.review_words import person, words
from todoke.core import attached
from todoke.core.bind_texts import LANGUAGES
from todoke.core.checklist import MOST_WORDS, items
from todoke.core.review import EDITABLE, State
from todoke.ids import Ids
from todoke.storage import applications as store
from todoke.storage import attachments, review_events
from todoke.storage import channels as channel_store
from todoke.storage.applications import Application
from todoke.storage.attachments import Attachment, NewAttachment
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.review_events import ReviewEvent

_OWN = ("names", "urgency", "limits", "timing")
"""What the catalogue says of LINE's use cases, and the account of its own."""


class NewApplication(msgspec.Struct, kw_only=True):
    """An application as it is asked for."""

    channel: str
    use_case: str
    by: str
    names: Mapping[str, str] | None = None
    description: str | None = None
    urgency: str | None = None
    limits: str | None = None
    timing: str | None = None
    no_verification: bool = False


class File(msgspec.Struct, frozen=True):
    """A file to be added, looked at. `digest`: SHA-256, hexadecimal."""

    name: str
    media_type: str
    content: bytes
    digest: str


async def create_application(
    tx: Tx, account_id: str, wanted: NewApplication, now: int, ids: Ids
) -> Application:
    """An application, a draft. Raises NotFound, Invalid, or Conflict where the channel has one for the use case."""
    channel = await channel_store.find_channel(tx, account_id, wanted.channel)
    if channel is None:
        raise NotFound(
            f"There is no channel {wanted.channel[:60]!r}. GET /v1/channels lists them.", "/channel"
        )
    if await store.applications(tx, account_id, key=wanted.use_case, channel_id=channel.id):
        raise Conflict(
            f"There is an application for {wanted.use_case} on channel {channel.name} already: "
            f"GET /v1/use-cases/{wanted.use_case} shows it.",
            "/use_case",
        )
    if wanted.no_verification and channel.region != "TW":
        raise Invalid(
            "LINE offers no-phone-verification mode in Taiwan only. Leave it out.", "/no_verification"
        )
    row = Application(
        id=ids.new(),
        account_id=account_id,
        channel_id=channel.id,
        key=wanted.use_case,
        description=None
        if wanted.description is None
        else words(wanted.description, "/description", MOST_WORDS),
        no_verification=int(wanted.no_verification),
        state=State.DRAFT,
        state_at=now,
        created_at=now,
        **_described(wanted, channel),
    )
    await store.insert_application(tx, row)
    begun = event(row, "transition", person(wanted.by), now, ids, to_state=State.DRAFT.value)
    await review_events.insert_events(tx, [begun])
    return row


def _described(wanted: NewApplication, channel: Channel) -> dict[str, Any]:
    """Names, urgency, limits and timing: the catalogue's of what is LINE's, the account's of its own."""
    listed = line_catalogue.use_case(channel.region, wanted.use_case)
    if listed is not None:
        given = next((x for x in _OWN if getattr(wanted, x) is not None), None)
        if given is not None:
            raise Invalid(
                f"{wanted.use_case} is on LINE's list for {channel.region}, which says this of it. Leave {given} out.",
                f"/{given}",
            )
        names = json.dumps(listed.names, ensure_ascii=False)
        return {"published": 1, "names": names, "urgency": listed.urgency, "timing": listed.timing}
    if wanted.description is None:
        raise Invalid(
            f"{wanted.use_case} is not on LINE's list for {channel.region} (GET /v1/use-cases shows it), so it is a "
            "use case of your own: say in description what it is about.",
            "/description",
        )
    for language, name in (wanted.names or {}).items():
        if language not in LANGUAGES:
            raise Invalid(f"Names are in {', '.join(LANGUAGES)}.", f"/names/{language[:20]}")
        words(name, f"/names/{language}", 100, lines=False)
    return {
        "published": 0,
        "names": json.dumps(wanted.names or {"en": wanted.use_case}, ensure_ascii=False),
        "urgency": wanted.urgency,
        "limits": None if wanted.limits is None else words(wanted.limits, "/limits", MOST_WORDS),
        "timing": wanted.timing,
    }


async def find_application(tx: Tx, account_id: str, id_or_key: str) -> Application:
    """By its id, or by its use case where one channel only has applied for it. Raises NotFound or Conflict."""
    found = await store.get_application(tx, account_id, id_or_key)
    if found is not None:
        return found
    alike = await store.applications(tx, account_id, key=id_or_key)
    if len(alike) > 1:
        ids = ", ".join(x.id for x in alike)
        raise Conflict(f"{len(alike)} channels have applied for {id_or_key}. Name the application: {ids}.")
    if not alike:
        raise NotFound(
            f"There is no application {id_or_key[:60]!r}. GET /v1/use-cases lists them; POST /v1/use-cases makes one."
        )
    return alike[0]


async def change_application(
    tx: Tx,
    row: Application,
    by: str,
    given: Mapping[str, str | None],
    description: str | None,
    now: int,
    ids: Ids,
) -> Application:
    """Fills in the checklist; None takes an item out again. Raises Invalid, or Conflict while LINE looks at it."""
    by = person(by)
    if row.state not in EDITABLE:
        raise Conflict(
            f"The application for {row.key} is at {row.state}: what LINE looks at, or has looked at, stays as it is. "
            f"It can be changed at {' and '.join(sorted(EDITABLE))}."
        )
    region = await region_of(tx, row)
    known = items(region, no_verification=bool(row.no_verification))
    checklist: dict[str, str] = json.loads(row.checklist)
    for item, text in given.items():
        if item not in known:
            raise Invalid(f"LINE asks for {', '.join(known)} here.", f"/checklist/{item[:40]}")
        if text is None:
            checklist.pop(item, None)
        else:
            checklist[item] = words(text, f"/checklist/{item}", MOST_WORDS)
    changed: dict[str, Any] = {"checklist": json.dumps(checklist, ensure_ascii=False)}
    if description is not None:
        changed["description"] = words(description, "/description", MOST_WORDS)
    await store.update_application(tx, row.id, **changed)
    what = {**given, **({"description": description} if description is not None else {})}
    done = event(row, "checklist", by, now, ids, evidence=json.dumps(what, ensure_ascii=False))
    await review_events.insert_events(tx, [done])
    return msgspec.structs.replace(row, **changed)


async def comment(tx: Tx, row: Application, by: str, text: str, now: int, ids: Ids) -> None:
    """Something to remember, at any state."""
    said = event(row, "comment", person(by), now, ids, why=words(text, "/text", MOST_WORDS))
    await review_events.insert_events(tx, [said])


def looked_at(name: str, content: bytes) -> File:
    """A file as it may be added. Raises Invalid where it is of a kind that is not taken, or too large.

    Takes some 0.1 s for 10 MB: in a thread, and before a transaction.
    """
    if len(content) > attached.MOST_BYTES:
        raise Invalid(f"The file is larger than {attached.MOST_BYTES // 1_000_000} MB.", "/file")
    if not content:
        raise Invalid("The file is empty.", "/file")
    media = attached.media_type(content, name)
    if media is None:
        raise Invalid(
            f"By its content this is no file of a kind that is taken: {attached.TAKEN} (UTF-8).", "/file"
        )
    return File(attached.safe_name(name, media), media, content, sha256(content).hexdigest())


async def attach(tx: Tx, row: Application, by: str, file: File, now: int, ids: Ids) -> Attachment:
    """Adds a file. Raises Invalid where the application would have too much of them."""
    by = person(by)
    before = await attachments.total_size(tx, row.id)
    if before + len(file.content) > attached.MOST_BYTES_IN_ALL:
        raise Invalid(
            f"With this file the application would have more than {attached.MOST_BYTES_IN_ALL // 1_000_000} MB of "
            "attachments. Link to large files instead.",
            "/file",
        )
    new = NewAttachment(
        id=ids.new(),
        account_id=row.account_id,
        application_id=row.id,
        name=file.name,
        media_type=file.media_type,
        size=len(file.content),
        digest=file.digest,
        content=file.content,
        by=by,
        created_at=now,
    )
    await attachments.insert_attachment(tx, new)
    kept = Attachment(new.id, new.name, new.media_type, new.size, new.digest, by, now)
    added = event(
        row, "attachment", by, now, ids, evidence=json.dumps(attachments.summary(kept), ensure_ascii=False)
    )
    await review_events.insert_events(tx, [added])
    return kept


async def region_of(tx: Tx, row: Application) -> str:
    """The country of an application's channel."""
    channel = await channel_store.get_channel(tx, row.channel_id)
    assert channel is not None
    return channel.region


def event(row: Application, kind: str, by: str, now: int, ids: Ids, **more: Any) -> ReviewEvent:
    """An event of an application's history."""
    return ReviewEvent(
        id=ids.new(), account_id=row.account_id, application_id=row.id, at=now, kind=kind, by=by, **more
    )
