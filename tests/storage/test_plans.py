"""No statement on the way of a notice, and none that runs by itself, reads a whole table that grows.

Asked of SQLite's own plans: EXPLAIN QUERY PLAN says SCAN where all rows of a table or index are read.
"""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event

from notice_support import START
from storage_support import fresh_database
from todoke.core.standing import Lane
from todoke.storage import (
    announced,
    archive_rows,
    batches,
    bind_links,
    health,
    idempotency,
    inbox,
    line_counts,
    message_ids,
    messages,
    notices,
    postings,
    reminders,
    reporting,
    suppressions,
)
from todoke.storage.database import Tx
from todoke.storage.line_counts import Span

GROWING = (
    "notices|attempts|inbox|events_seen|idempotency|postings|posting_tries|messages|message_ids|bind_links|friends"
    "|bindings|suppressions"
)
Ask = Callable[[Tx], Awaitable[Any]]
DAY_BY_ID = Span(START, START + 86_400_000, True)
ASKED: dict[str, Ask] = {
    "claim": lambda tx: notices.load_due(tx, "c", Lane.LINE, START, 5),
    "when the next is due": lambda tx: notices.next_due(tx, "c"),
    "what is out": lambda tx: notices.load_out(tx, "c"),
    "by id": lambda tx: notices.load_by_ids(tx, ["x"]),
    "whose an event is": lambda tx: notices.owners_of(tx, ["x"]),
    "frequency rule": lambda tx: notices.count_begun(tx, "a", "+1", "delivery", START),
    "reminders": lambda tx: reminders.before(tx, "a", "delivery", ["+1"]),
    "suppressed": lambda tx: suppressions.scopes_of(tx, "a", ["+1"]),
    "a channel resumes": lambda tx: notices.release_held(tx, "c", START),
    "its messages too": lambda tx: messages.next_due(tx),
    "webhooks about it": lambda tx: announced.notices_by_id(tx, ["x"]),
    "inbox": lambda tx: inbox.pending(tx, 5),
    "events seen": lambda tx: inbox.unseen(tx, ["x"]),
    "an answer before": lambda tx: idempotency.recall(tx, "a", "k", START),
    "a notice": lambda tx: reporting.get_notice(tx, "a", "x"),
    "its attempts": lambda tx: reporting.attempts_of(tx, ["x"]),
    "results of a batch": lambda tx: reporting.batch_after(tx, "b", "", 5),
    "how late a channel is": lambda tx: health.backlog(tx, "c", START),
    "channels of a day": lambda tx: line_counts.active(tx, DAY_BY_ID),
    "counts of a day": lambda tx: line_counts.count(tx, ["c"], DAY_BY_ID),
    "answers to SMS": lambda tx: suppressions.accounts_that_sent_sms(tx, "+1", "sms", START),
    "lists being read": batches.reading,
    "batches that are over": batches.over,
    "batches with a plan": batches.going,
    "webhooks due": lambda tx: postings.due(tx, START, 5),
    "next webhook": postings.next_due,
    "what is old enough": lambda tx: archive_rows.old_ones(tx, START, "", 5),
    "forgetting requests": lambda tx: inbox.last_of_portion(tx, START, 5),
    "dropping requests": lambda tx: inbox.forget_up_to(tx, 5, START),
    "forgetting events": lambda tx: inbox.forget_seen(tx, START, 5),
    "forgetting answers": lambda tx: idempotency.forget(tx, START, 5),
    "forgetting names": lambda tx: message_ids.forget(tx, START, 5),
    "forgetting chat": lambda tx: messages.forget(tx, "r", START, 5),
    "forgetting webhooks": lambda tx: postings.forget(tx, START, 5),
    "forgetting links": lambda tx: bind_links.forget(tx, START, 5),
    "forgetting rejects": lambda tx: archive_rows.forget_rejects(tx, START, 5),
}


async def test_no_statement_of_the_daily_work_reads_a_whole_table_that_grows(tmp_path: Path) -> None:
    # What is open, and little, may be read whole.
    scan = re.compile(rf"SCAN ({GROWING})\b(?! USING (COVERING )?INDEX ix_inbox_open)")
    found: list[tuple[str, str]] = []
    async with fresh_database("sqlite", tmp_path) as database, database.write() as tx:
        said: list[tuple[str, Any]] = []

        def note(_c: Any, _cursor: Any, statement: str, values: Any, _x: Any, many: bool) -> None:
            said.append((statement, values[0] if many and values else values))

        event.listen(tx.sync_connection.engine, "before_cursor_execute", note)  # type: ignore[union-attr]
        for name, ask in ASKED.items():
            said.clear()
            await ask(tx)
            assert said, name
            for statement, values in tuple(said):
                plan = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values or ())
                found += [(name, step[3]) for step in plan if scan.search(step[3])]
    assert found == []
