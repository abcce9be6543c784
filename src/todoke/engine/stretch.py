"""How much is written down in one go: as much as keeps those waiting for an answer no longer than a moment."""

SECONDS, SECONDS_OF_EVENTS = 0.012, 0.005
"""Of processor time that a stretch shall take. While it runs, nobody is answered and nothing is sent. Where nothing is
being sent, nothing waits for what is written down, and whoever posts events is answered the sooner.
"""
LEAST, MOST = 20, 1000
"""Answers and events. A stretch of fewer costs more by what it needs once than by these."""
MOST_REQUESTS = 100
_ROOM, _QUICK = 0.8, 0.7


class Stretch:
    """The size of the next one, by how long the last ones took."""

    def __init__(self, items: int = 200) -> None:
        self.items = items
        """Answers and events."""
        self._events_each = 10.0

    @property
    def requests(self) -> int:
        """As many as hold so many events, as far as the last ones tell."""
        return min(MOST_REQUESTS, int(self.items / max(self._events_each, 1.0)) + 1)

    def events(self, answers: int) -> int:
        """Of these there is room for so many where so many answers wait: half, and what the answers leave."""
        return max(self.items // 2, self.items - answers)

    def answers(self, events: int) -> int:
        """And beside so many events for so many answers."""
        return max(self.items // 4, self.items - events)

    def took(self, answers: int, requests: int, events: int, seconds: float, *, sending: bool) -> None:
        """A stretch of so many has taken so long; `sending`: whether notices are being sent."""
        if requests:
            self._events_each += 0.3 * (events / requests - self._events_each)
        shall = SECONDS if sending else SECONDS_OF_EVENTS
        if seconds > shall:
            # One that was interrupted says little: at most to the half at once.
            self.items = max(LEAST, self.items // 2, int(self.items * shall / seconds))
        elif answers + events >= self.items * _ROOM and seconds < shall * _QUICK:
            self.items = min(MOST, self.items + self.items // 4)
