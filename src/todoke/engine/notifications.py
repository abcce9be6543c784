"""One channel's LINE notifications between their claim and their answer: handed over, heard of again."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable

from todoke.actions.alike import AnswerTo
from todoke.actions.claiming import ToSend
from todoke.clock import Clock, monotonic
from todoke.engine.loop import log
from todoke.engine.outgoing import Departures, Letter, Told, Until
from todoke.engine.recorder import Recorder
from todoke.engine.sending import held_back
from todoke.storage.channels import Channel

TOKENS_KEPT = 16
"""Access tokens that an answer may still come for; one lives for minutes at least, an answer for seconds."""


class Notifications:
    """What is out of one channel; the `Back` of its way out."""

    def __init__(
        self,
        departures: Departures,
        channel: Channel,
        place: Hashable,
        recorder: Recorder,
        clock: Clock,
        *,
        stale: int,
        sure_until: Callable[[], float | None],
        may_send: Callable[[], Awaitable[bool]],
        why_no_more: Callable[[ToSend], Awaitable[str | None]],
        told: Callable[[], None],
    ) -> None:
        """`stale`: milliseconds for which what was held against the gate may leave. `sure_until`: up to when, by
        `monotonic`, the channel is surely ours; None: it is in doubt. `may_send` waits while it is, and answers
        whether it is ours. `why_no_more`: holds one against the gate again. `told`: some were answered.
        """
        self._recorder = recorder
        self._place = place
        self._clock = clock
        self._stale = stale
        self._sure_until = sure_until
        self._may_send = may_send
        self._why_no_more = why_no_more
        self._told = told
        self._out: dict[str, ToSend] = {}
        self._tokens: dict[int, bytes | None] = {0: None}
        self._token = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._way = departures.way(channel.id, self, self._may_leave)
        self._way.use(0, "", channel.rate)

    def use(self, sealed: bytes | None, access_token: str, rate: float) -> None:
        """The channel's access token, as it is stored and opened, and its rate, from now on."""
        if sealed != self._tokens[self._token]:
            self._token += 1
            self._tokens[self._token] = sealed
            self._tokens.pop(self._token - TOKENS_KEPT, None)
        self._way.use(self._token, access_token, rate)

    def hand_over(self, items: list[ToSend]) -> None:
        """Attempts that are committed, and counted as claimed."""
        for item in items:
            self._out[item.attempt_id] = item
        self._pass_on(items)

    def _pass_on(self, items: list[ToSend]) -> None:
        if (sure_until := self._sure_until()) is None:
            self._do(self._pass_on_later(items))
            return
        letters = [Letter(x.attempt_id, x.number, x.common.template, x.written) for x in items]
        leave_by = min(sure_until, monotonic() + self._stale / 1000)
        self._way.hand_over(letters, Until(self._clock.now() + self._stale, leave_by))

    async def _pass_on_later(self, items: list[ToSend]) -> None:
        if await self._may_send():
            self._pass_on(items)
            return
        # Its new owner holds the attempts for unknown; sending them now might send them twice.
        for item in items:
            del self._out[item.attempt_id]
        self._recorder.dropped(self._place, len(items))

    def answered(self, told: Iterable[Told]) -> None:
        answers: list[AnswerTo] = []
        take, tokens = self._out.pop, self._tokens
        for tag, token, answer in told:
            if (item := take(tag, None)) is not None:
                answers.append(
                    AnswerTo(item.notice_id, tag, answer, item.common.begun.carrier, tokens.get(token))
                )
        if answers:
            self._recorder.add(self._place, *answers)
        self._told()

    def late(self, tags: list[str]) -> None:
        self._do(self._look_again([self._out[tag] for tag in tags if tag in self._out]))

    async def _look_again(self, items: list[ToSend]) -> None:
        """What waited for so long that it must be held against the gate again."""
        again, not_sent = [], []
        for item in items:
            try:
                why = await self._why_no_more(item)
            except Exception as error:
                # As when the database can't be read. It has surely not left, and must not be forgotten.
                log.exception("send.error", attempt=item.attempt_id, error=type(error).__name__)
                why = f"internal error: {type(error).__name__}"
            if why is None:
                again.append(item)
            else:
                not_sent.append(Told(item.attempt_id, self._token, held_back(why)))
        if again:
            self._pass_on(again)
        self.answered(not_sent)

    def _may_leave(self, until: Until) -> bool:
        return self._sure_until() is not None and self._clock.now() < until.stale_at

    def _do(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """What is out then will not be recorded: its outcome is unknown."""
        self._way.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._recorder.dropped(self._place, len(self._out))
        self._out.clear()
