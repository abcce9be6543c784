"""All that is kept of one person, for them to see."""

import json
from typing import Any
from urllib.parse import unquote_plus

from todoke.core.durations import rfc3339
from todoke.core.person import Person, mentions
from todoke.storage import erasure, person
from todoke.storage.archive import Archive
from todoke.storage.database import Tx

MOST_NOTICES = 10_000
PORTION = 2000


async def everything_of(
    tx: Tx, account_id: str, about: Person, events: list[int], archive: Archive, now: int
) -> dict[str, Any]:
    """What the tables hold, with numbers and texts in full. It is the person's own: hand it to nobody else.

    `events`: the requests of the inbox that name them; their notices in the archive come too.
    """
    rows = await person.notices_to(tx, account_id, about.numbers, MOST_NOTICES)
    known = {x["id"] for x in rows}
    archived = await archive.to_numbers(account_id, about.numbers, MOST_NOTICES)
    # Of one that is just being moved there are two.
    rows += await person.archived_to(tx, [x for x in archived if x.id not in known])
    found: dict[str, Any] = {
        "exported_at": rfc3339(now),
        "numbers": sorted(about.numbers),
        "user_ids": sorted(about.user_ids),
        "notices": [x | {"parameters": json.loads(x["parameters"])} for x in rows],
        "notices_complete": len(known) < MOST_NOTICES and len(archived) < MOST_NOTICES,
        "refused_rows": await _refused(tx, account_id, about),
        "lists": [x for x in (await erasure.list_names(tx, account_id)).values() if mentions(x, about)],
    }
    found |= await person.others(tx, account_id, about)
    for message in found["messages"]:
        message["body"] = json.loads(message["body"])
    channels = await erasure.channel_rows(tx, account_id)
    found["test_number_of"] = [x for x, listed, _ in channels if set(json.loads(listed)) & about.numbers]
    webhooks = await erasure.webhooks_naming(tx, account_id, about.words) if about.words else []
    found["webhooks"] = [json.loads(x) for x in webhooks]
    found["events"] = await _events(tx, about, events)
    return found


async def _refused(tx: Tx, account_id: str, about: Person) -> list[dict[str, Any]]:
    shown = []
    after = ("", 0)
    while rows := await erasure.refused_rows(tx, account_id, after, PORTION):
        shown += [
            {"batch": x.batch_id, "line": x.line, "reason": x.reason, "original": json.loads(x.original)}
            for x in rows
            if mentions(x.original, about) or mentions(x.reason, about)
        ]
        after = rows[-1].batch_id, rows[-1].line
    return shown


async def _events(tx: Tx, about: Person, ids: list[int]) -> list[Any]:
    """What LINE posted of the person, event by event; and what SMS carriers did."""
    shown: list[Any] = []
    for at in range(0, len(ids), PORTION):
        for posted in await erasure.posted(tx, ids[at : at + PORTION]):
            text = posted.body.decode("utf-8", "replace")
            if posted.channel_id is None:
                shown.append({"carrier": posted.carrier, "posted": unquote_plus(text)})
                continue
            try:
                events = json.loads(text)["events"]
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
            shown += [x for x in events if mentions(json.dumps(x, ensure_ascii=False), about)]
    return shown
