"""The SMS carriers of this process, in the order in which they are tried, and which of them are down just now."""

from collections.abc import Callable, Sequence
from typing import Protocol

from todoke.carriers import SmsMessage
from todoke.clock import monotonic
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import SmsRoute

DOWN_AFTER = 5
"""So many answers without contact in a row, and others are tried first."""
PROBE_SECONDS = 30.0
"""How often one message tries a carrier that is down."""


class SmsCarrier(Protocol):
    """A carrier of SMS, as the declaration of its provider says."""

    @property
    def name(self) -> str: ...

    @property
    def gives_proof(self) -> bool:
        """Whether final receipts come."""
        ...

    @property
    def countries(self) -> frozenset[str] | None:
        """Where it delivers to; None: everywhere."""
        ...

    @property
    def why_not(self) -> str | None:
        """Why it surely can't take a message now; None where nothing is known against it."""
        ...

    async def send(self, message: SmsMessage, tag: str) -> Answer:
        """Sends one message."""
        ...


class _Health:
    def __init__(self) -> None:
        self.misses = 0
        self.answered = False
        self.why = ""
        self.probe_at = 0.0


class SmsCarriers:
    """All of them. One that does not answer is tried last, except for a message now and then that looks again."""

    def __init__(self, carriers: Sequence[SmsCarrier], now: Callable[[], float] = monotonic) -> None:
        self._carriers = {c.name: c for c in carriers}
        self._health = {c.name: _Health() for c in carriers}
        self._now = now
        self._routes: dict[tuple[str, tuple[str, ...]], tuple[SmsRoute, ...]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._carriers)

    def routes(self, country: str) -> tuple[SmsRoute, ...]:
        """Those that deliver to a country, the best first."""
        order = tuple(sorted(self._carriers, key=self._is_doubtful))  # Stable: else as they are given.
        key = country, order
        if key not in self._routes:
            found = [self._carriers[name] for name in order]
            self._routes[key] = tuple(
                SmsRoute(c.name, c.gives_proof)
                for c in found
                if c.countries is None or country in c.countries
            )
        return self._routes[key]

    def began(self, name: str) -> None:
        """A message will go to this carrier. If it is down, that is the one that looks again."""
        health = self._health.get(name)
        if health is not None and health.misses >= DOWN_AFTER:
            health.probe_at = self._now() + PROBE_SECONDS

    async def send(self, name: str, message: SmsMessage, tag: str) -> Answer:
        """Sends by the carrier of this name."""
        carrier = self._carriers.get(name)
        if carrier is None:
            return Answer(outcome=Outcome.FAILED, detail=f"the carrier {name} is no longer set up")
        answer = await carrier.send(message, tag)
        self._told(self._health[name], answer)
        return answer

    def down(self) -> dict[str, str]:
        """The carriers that take nothing now, each with the reason."""
        found = {}
        for name, carrier in self._carriers.items():
            health = self._health[name]
            if (why := carrier.why_not) is not None:
                found[name] = why
            elif health.misses >= DOWN_AFTER:
                found[name] = health.why
        return found

    def answered(self, name: str) -> bool:
        """Whether this carrier answered the last message that this process gave it."""
        return name in self._health and self._health[name].answered

    def _told(self, health: _Health, answer: Answer) -> None:
        no_contact = answer.outcome is Outcome.UNKNOWN or (
            answer.outcome is Outcome.FAILED and (answer.status is None or answer.status in (401, 403))
        )
        health.answered = not no_contact
        if no_contact:
            health.misses += 1
            health.why = answer.detail or "no answer"
            if health.misses == DOWN_AFTER:
                health.probe_at = self._now() + PROBE_SECONDS
        else:
            health.misses = 0

    def _is_doubtful(self, name: str) -> bool:
        if self._carriers[name].why_not is not None:
            return True
        health = self._health[name]
        return health.misses >= DOWN_AFTER and self._now() < health.probe_at
