"""What the model test draws: people, and a script of sends, acts, troubles and waits between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

COUNTRIES = {"TW": "+886912{:06}", "TH": "+6681200{:04}", "JP": "+819012{:06}"}
MOVED = 5000
"""Added to a person's number when they change it."""
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": 24 * HOUR}


def length(duration: str) -> int:
    """Milliseconds of `90s`, `30m`, `24h`, `7d`."""
    return int(duration[:-1]) * UNITS[duration[-1]]


@dataclass(frozen=True)
class Person:
    """Somebody with a phone. `friend`: added the account before the first send; `blocked`: blocked it then."""

    country: str
    registered: bool = True
    reception: str = "agree"
    verified: bool = True
    friend: bool = False
    blocked: bool = False
    bound: bool = False
    sms_reachable: bool = True


@dataclass(frozen=True)
class Send:
    """A notice, under a policy of its own or the default one. `deadline`: the notice's own."""

    person: int
    policy: dict[str, Any] | None
    deadline: str | None = None


@dataclass(frozen=True)
class Act:
    """What a person does with the phone."""

    person: int
    action: str


@dataclass(frozen=True)
class Cancel:
    """A call to cancel one of the notices sent so far, by its position among them, round and round."""

    notice: int


@dataclass(frozen=True)
class Fault:
    """Trouble at LINE, by the emulator."""

    order: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NoFaults:
    """LINE is well again."""


@dataclass(frozen=True)
class Mode:
    """How one of the outside parties behaves from now on: an SMS centre, its receipts, the business's own system."""

    party: str
    mode: str


@dataclass(frozen=True)
class Revoke:
    """The access token is worth nothing any more."""


@dataclass(frozen=True)
class Repair:
    """A new access token, at LINE and here."""


@dataclass(frozen=True)
class Resume:
    """Somebody lets the channel send again, whether or not what paused it was mended."""


@dataclass(frozen=True)
class Restart:
    """The gateway stops in an orderly way, and starts again after this long."""

    after: str


Deed = Send | Act | Cancel | Fault | NoFaults | Mode | Revoke | Repair | Resume | Restart


@dataclass(frozen=True)
class Program:
    """A whole run. `hour`: of the day in UTC at its start; `script`: deeds, each with how long after the one before."""

    hour: int
    redelivery: bool
    people: tuple[Person, ...]
    script: tuple[tuple[str | None, Deed], ...]


def weighted(**weights: int) -> st.SearchStrategy[str]:
    """One of the names, the heavier ones more often."""
    return st.sampled_from([name for name, weight in weights.items() for _ in range(weight)])


people = st.builds(
    Person,
    country=st.sampled_from([*COUNTRIES]),
    registered=st.sampled_from([True, True, True, True, False]),
    reception=weighted(agree=3, not_set=6, reject=1),
    verified=st.sampled_from([True, True, True, False]),
    friend=st.booleans(),
    blocked=st.sampled_from([False] * 5 + [True]),
    bound=st.booleans(),
    sms_reachable=st.sampled_from([True, True, True, False]),
)
_STEPS = ("line_push", "line_notification", "sms", "callback")
_ORDERS = st.one_of(
    st.sampled_from([("line_push", "line_notification", "sms"), ("line_notification", "sms")]),
    st.sampled_from([("sms", "line_notification"), ("line_notification", "sms", "callback")]),
    st.permutations(_STEPS).map(tuple),
    st.lists(st.sampled_from(_STEPS), min_size=1, max_size=4, unique=True).map(tuple),
)
_WAITS = st.sampled_from([None, "1m", "10m", "10m", "30m", "30m", "1h", "4h", "12h", "24h", "30h"])
_QUIET = st.sampled_from([("21:00", "08:00"), ("00:00", "12:00"), ("10:00", "22:00"), ("08:00", "08:30")])
_DEADLINES = st.sampled_from([None, None, None, None, "10m", "2h", "6h", "26h", "50h", "80h"])


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """A policy as the API takes it."""
    order = draw(_ORDERS)
    steps = [{"step": s} | ({} if (w := draw(_WAITS)) is None else {"wait": w}) for s in order]
    policy: dict[str, Any] = {"steps": steps}
    if draw(weighted(wait=3, next=1)) == "next":
        policy["on_unknown"] = "next"
    if draw(st.integers(0, 2)) == 0:
        start, end = draw(_QUIET)
        policy["quiet_hours"] = [{"country": c, "from": start, "to": end} for c in COUNTRIES]
        if draw(st.booleans()):
            policy["quiet_past_deadline"] = "hold"
        if draw(st.integers(0, 5)) == 0:
            policy["quiet_exempt"] = ["delivery"]
    if draw(st.integers(0, 5)) == 0:
        rule = {"at_most": draw(st.integers(1, 2)), "per": draw(st.sampled_from(["1h", "24h", "7d"]))}
        policy["frequency"] = [rule]
    return policy


_PEOPLE = st.integers(0, 2)
_SENDS = st.builds(
    Send, person=_PEOPLE, policy=st.one_of(policies(), policies(), policies(), st.none()), deadline=_DEADLINES
)
_ACTS = st.builds(
    Act,
    person=_PEOPLE,
    action=weighted(
        agree=8, refuse=1, pin=4, block=2, unblock=2, add_friend=2, change_number=1, hide=1, send_message=1
    ),
)
_LINE_PATHS = ["/bot/pnp/push", "/bot/pnp/push", "/v2/bot/message/push"]


@st.composite
def _faults(draw: st.DrawFn) -> Fault:
    if draw(weighted(api=3, webhook=2)) == "webhook":
        kind = draw(
            weighted(drop=2, duplicate=2, delay=3, reorder=2, disconnect_after=1, disconnect_before=1)
        )
        order: dict[str, Any] = {"target": "webhook", "kind": kind}
        if kind == "delay":
            order["ms"] = draw(st.sampled_from([10 * MINUTE, 3 * HOUR, 30 * HOUR]))
    else:
        order = {"target": "api", "path": draw(st.sampled_from(_LINE_PATHS))}
        # Only what LINE says of itself: a 401 or a 429 was not taken, a 5xx may have been.
        kind = draw(weighted(disconnect_before=2, disconnect_after=2, error=3, busy=3, denied=1, slow=1))
        if kind == "error":
            order |= {"kind": draw(st.sampled_from(["status_before", "status_after"])), "status": 500}
        elif kind in ("busy", "denied"):
            order |= {"kind": "status_before", "status": 429 if kind == "busy" else 401}
        else:
            order |= {"kind": kind} if kind != "slow" else {"kind": "latency", "ms": 15}
    often = draw(st.sampled_from([{"next": 1}, {"next": 2}, {"next": 5}, {"share": 0.5}, {}]))
    return Fault(order | often)


_MODES = st.sampled_from(
    [
        (party, mode)
        for party, modes in {
            "alpha": ("well", "no", "busy", "closed", "broken_before", "broken_after", "error_before"),
            "beta": ("well", "no", "busy", "closed", "broken_before", "broken_after", "error_after"),
            "receipts": ("well", "late", "lost", "doubled"),
            "shop": ("well", "no", "busy", "closed", "error_after", "error_before"),
        }.items()
        for mode in modes
    ]
).map(lambda x: Mode(*x))
_GAPS = st.sampled_from([None, None, "5s", "1m", "10m", "40m", "2h", "7h", "13h", "25h", "2d"])
_DEEDS = st.one_of(
    _SENDS,
    _SENDS,
    _ACTS,
    _ACTS,
    _ACTS,
    _faults(),
    _faults(),
    _MODES,
    _MODES,
    st.builds(Cancel, st.integers(0, 11)),
    st.builds(Restart, st.sampled_from(["0s", "20m", "5h", "30h"])),
    st.sampled_from([NoFaults(), Revoke(), Repair(), Resume(), NoFaults()]),
)
MOST_NOTICES = 12


def _shortened(script: list[tuple[str | None, Deed]]) -> tuple[tuple[str | None, Deed], ...]:
    kept, sends = [], 0
    for gap, deed in script:
        sends += isinstance(deed, Send)
        if not isinstance(deed, Send) or sends <= MOST_NOTICES:
            kept.append((gap, deed))
    return tuple(kept)


_TROUBLES = st.lists(st.tuples(st.none(), st.one_of(_faults(), _MODES)), max_size=3)
_FIRST = st.lists(st.tuples(st.none(), _SENDS), min_size=2, max_size=6)


@st.composite
def _late_consents(draw: st.DrawFn) -> list[tuple[str | None, Deed]]:
    """Somebody agrees when the next step's request has left: rare, were it left to chance."""
    person = draw(_PEOPLE)
    wait, after = draw(st.sampled_from(["1m", "30m"])), draw(st.sampled_from(["40m", "7h"]))
    steps = [{"step": "line_notification", "wait": wait}, {"step": draw(weighted(sms=3, callback=1))}]
    send = Send(person, {"steps": steps}, draw(_DEADLINES))
    return [(None, send), (after, Act(person, "agree")), (None, Act(person, "pin"))]


_SINGLE = st.tuples(_GAPS, _DEEDS).map(lambda deed: [deed])
_REST = st.lists(st.one_of(*[_SINGLE] * 6, _late_consents()), min_size=4, max_size=14).map(
    lambda parts: [deed for part in parts for deed in part]
)
programs = st.builds(
    Program,
    hour=st.integers(0, 23),
    redelivery=st.booleans(),
    people=st.tuples(people, people, people),
    script=st.tuples(_TROUBLES, _FIRST, _REST).map(lambda x: _shortened([*x[0], *x[1], *x[2]])),
)
