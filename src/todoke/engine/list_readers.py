"""Who reads lists: the gateway's own process, or another beside it for long ones."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Protocol

import msgspec

from todoke.actions.intake import Target
from todoke.clock import monotonic
from todoke.core.columns import Columns
from todoke.core.list_rows import Rows
from todoke.engine.helpers import Helper
from todoke.engine.lists.lines import BrokenFile
from todoke.engine.lists.orders import READY, Answer, Forget, Hold, Order, Read
from todoke.engine.loop import log
from todoke.engine.portion import ListReader, Place, Portion
from todoke.ids import Ids
from todoke.storage.batches import Batch
from todoke.storage.desks import Checked, Desks

LONGEST = 1_000_000
"""Characters of a portion, about: they are in memory."""
MUCH = 3_000_000
"""Bytes of lists that are worth a process: to start one takes as long as to read some 30,000 plain rows."""
GIVES_WAY = 2.0
"""While notices are being sent, reading here leaves so much more time to others than it takes: no list is sent as fast
as it is read."""
LONGEST_WAY = 0.02
"""Seconds of that at a time, at most."""
PATIENCE_SECONDS = 60.0
"""For a portion. Then that process is ended, and the portion is read here."""
_MOST_HELD = 50
LINGERS_SECONDS = 60.0
"""How long a process waits for more lists: it holds as much memory as a short list needs."""


class ListSource(Protocol):
    """Reads portions of lists; the ids of the notices rise with the rows."""

    async def portion(self, batch: Batch, target: Target, now: int, rows: int) -> Portion:
        """The next rows of a batch, so many at most. Raises BrokenFile, OSError."""
        ...

    def gives_way(self) -> bool:
        """Whether notices are being sent just now, which lists must not hold up."""
        ...

    def expect(self, size: int) -> None:
        """So many bytes of lists are still to be read."""
        ...

    def rest(self) -> None:
        """No list is being read for now."""
        ...

    async def close(self) -> None: ...


class Here:
    """Reads in this process, some milliseconds at a time: for short lists, and where there is but one core or the time
    is not the system's.
    """

    def __init__(self, folder: Path, ids: Ids, sends: Callable[[], bool] = lambda: False) -> None:
        """`sends`: whether notices are being sent just now."""
        self._folder = folder
        self._ids = ids
        self._sends = sends

    async def portion(self, batch: Batch, target: Target, now: int, rows: int) -> Portion:
        columns = msgspec.json.decode(batch.columns, type=Columns)
        taken = Rows(target.terms(), batch.language, columns, now, self._ids)
        with (self._folder / f"{batch.id}.csv").open("rb") as file:
            reader = ListReader(file, Place(batch.position, batch.line))
            begun = monotonic()
            for _ in reader.fill(taken, rows, LONGEST):
                way = min((monotonic() - begun) * GIVES_WAY, LONGEST_WAY)
                await asyncio.sleep(way if self.gives_way() else 0)
                begun = monotonic()
        return reader.portion

    def gives_way(self) -> bool:
        return self._sends()

    def expect(self, size: int) -> None:
        pass

    def rest(self) -> None:
        pass

    async def close(self) -> None:
        pass


class Beside:
    """Reads long lists in a process of its own. Until that is up, and whenever it ends, all is read here: what it had
    read and nobody has stored is read again.
    """

    def __init__(self, here: Here, folder: Path, desks: Desks, lingers: float = LINGERS_SECONDS) -> None:
        self._folder = folder
        self._here = here
        self._desks = desks
        self._lingers = lingers
        self._helper: Helper | None = None
        self._starting: asyncio.Task[None] | None = None
        self._ready = False
        self._held: dict[str, tuple[Checked, int | None]] = {}
        """What the process holds the rows of each list to."""
        self._number = 0
        self._wanted: dict[int, asyncio.Future[Answer]] = {}
        self._ending: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._decode = msgspec.msgpack.Decoder(Answer).decode
        self._encode = msgspec.msgpack.Encoder().encode

    @property
    def pid(self) -> int | None:
        """Of the process, once it reads."""
        return self._helper.pid if self._helper is not None and self._ready else None

    async def portion(self, batch: Batch, target: Target, now: int, rows: int) -> Portion:
        answer = await self._asked(batch, target, now, rows) if self._ready else None
        if answer is None:
            return await self._here.portion(batch, target, now, rows)
        if answer.broken is not None:
            raise BrokenFile(answer.broken)
        if answer.portion is None:
            raise OSError(answer.errno, os.strerror(answer.errno or 0))
        return answer.portion

    def gives_way(self) -> bool:
        return self._here.gives_way()

    def expect(self, size: int) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if size >= MUCH and self._helper is None:
            self._begin()

    async def _asked(self, batch: Batch, target: Target, now: int, rows: int) -> Answer | None:
        """The answer of the process; None where none came, or it can't be asked."""
        assert self._helper is not None
        if not self._hold(batch, target):
            return None
        self._number += 1
        order = Read(
            number=self._number,
            batch_id=batch.id,
            path=str(self._folder / f"{batch.id}.csv"),
            begun=Place(batch.position, batch.line),
            columns=msgspec.json.decode(batch.columns, type=Columns),
            language=batch.language,
            now=now,
            rows=rows,
            longest=LONGEST,
        )
        if not self._send(order):
            return None
        answered = self._wanted[order.number] = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(answered, PATIENCE_SECONDS)
        except TimeoutError:
            self._helper.kill()
            return None
        except _Lost:
            return None
        finally:
            self._wanted.pop(order.number, None)

    def _hold(self, batch: Batch, target: Target) -> bool:
        """Sees to it that the process knows what the rows are held to; False where it can't be told."""
        held = (target.checked, target.policy.deadline)
        known = self._held.get(batch.id)
        if known is not None and known[0] is held[0] and known[1] == held[1]:
            return True
        if len(self._held) >= _MOST_HELD:
            self._forget()
        recipe = self._desks.recipe(target.account_id, target.checked.check)
        if recipe is None:
            # The account's rules have changed just now: the next portion is held to the new ones.
            return False
        sent = self._send(
            Hold(
                batch_id=batch.id,
                region=target.channel.region,
                template=target.template_row.spec,
                template_id=target.template_row.id,
                version=target.template_row.version,
                keeps=target.policy.deadline,
                gate=target.gate,
                recipe=recipe,
                excused=sorted(target.checked.values.excused),
                standing=list(target.checked.standing),
                timing=target.timing,
            )
        )
        if sent:
            self._held[batch.id] = held
        return sent

    def _send(self, order: Order) -> bool:
        return self._helper is not None and self._helper.send(self._encode(order))

    def _forget(self) -> None:
        if self._held:
            self._held.clear()
            self._send(Forget())

    def rest(self) -> None:
        self._forget()
        if self._helper is not None and self._ending is None:
            self._ending = asyncio.get_running_loop().call_later(self._lingers, self._end)

    async def close(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        self._end()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self) -> None:
        self._helper = Helper("todoke.engine.lists.reading", took=self._took, lost=self._lost)
        self._starting = self._keep(self._started(self._helper))

    async def _started(self, helper: Helper) -> None:
        try:
            await helper.start()
        except OSError as error:
            # It goes on here, only slower. The next gateway tries again.
            log.warning("list_reader.not_started", error=error.strerror)

    def _took(self, frame: bytes) -> None:
        if frame == READY:
            self._ready = True
            return
        answer = self._decode(frame)
        waiting = self._wanted.pop(answer.number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _lost(self) -> None:
        self._ready = False
        self._held.clear()
        for waiting in self._wanted.values():
            if not waiting.done():
                waiting.set_exception(_Lost)

    def _end(self) -> None:
        self._ending = None
        if self._helper is not None:
            helper, self._helper = self._helper, None
            self._lost()
            self._keep(self._ended(helper, self._starting))

    @staticmethod
    async def _ended(helper: Helper, starting: asyncio.Task[None] | None) -> None:
        if starting is not None:
            await asyncio.wait([starting])
        await helper.close()

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Lost(Exception):
    """The process that was asked is gone."""
