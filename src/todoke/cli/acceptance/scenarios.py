"""The scenarios: who the user is, which policy the notice has, and what must come of it on all three sides.

Sources: LINE's documentation of LINE notification messages ("conditions for sending", reception and SMS
authentication), and the causes that LINE's sales deck for Taiwan of August 2025 names for an accepted notification
that never arrives. How each is acted out on the phone stands in `acts`.
"""

from typing import Any, NamedTuple

ARRIVES, SILENT, AT_ONCE = "arrives", "silent", "at_once"
WAIT = "4h"
"""How long LINE gets before the next step, in the scenarios that have one."""
NOTIFICATION: dict[str, Any] = {"step": "line_notification"}
ALONE = (NOTIFICATION,)
THEN_SMS = ({**NOTIFICATION, "wait": WAIT}, {"step": "sms"})
THEN_PUSH = ({**NOTIFICATION, "wait": WAIT}, {"step": "line_push"})


class Expected(NamedTuple):
    """What must be found. `attempts`: step and outcome of each, as the gateway says. `fate`: as LINE's ledger says."""

    state: str
    attempts: tuple[tuple[str, str], ...]
    fate: str
    shown: int = 0
    """How often the user saw the notice as a notification."""
    sms: int = 0
    """How many SMS of the business the user has."""
    pushed: int = 0
    """How many ordinary messages of the account the user saw."""
    late_duplicate: bool = False


class Scenario(NamedTuple):
    """One scenario. `user`: traits of the LINE user; None: the number has none."""

    key: str
    number: str
    """As the report lists it."""
    group: str
    user: dict[str, Any] | None
    steps: tuple[dict[str, Any], ...]
    expected: Expected
    friend: bool = False

    @property
    def needs(self) -> set[str]:
        """Forms that the template must have."""
        steps = {step["step"] for step in self.steps}
        return {name for name, step in (("sms", "sms"), ("push", "line_push")) if step in steps}


def _user(reception: str, verified: bool) -> dict[str, Any]:
    return {"reception": reception, "verified": verified}


_DELIVERED = Expected("delivered", (("line_notification", "delivered"),), "delivered", shown=1)
_REJECTED = Expected(
    "delivered", (("line_notification", "unreachable"), ("sms", "delivered")), "rejected", sms=1
)


def _silent(fate: str) -> Expected:
    return Expected("not_delivered", (("line_notification", "silent"),), fate)


SCENARIOS = (
    Scenario("at_once", "1-1", ARRIVES, _user("agree", True), ALONE, _DELIVERED),
    Scenario("consent", "1-2", ARRIVES, _user("not_set", True), ALONE, _DELIVERED),
    Scenario("consent_pin", "1-3", ARRIVES, _user("not_set", False), ALONE, _DELIVERED),
    Scenario("pin", "1-4", ARRIVES, _user("agree", False), ALONE, _DELIVERED),
    Scenario(
        "sms_after_wait",
        "1-5",
        ARRIVES,
        _user("not_set", True),
        THEN_SMS,
        Expected("delivered", (("line_notification", "silent"), ("sms", "delivered")), "expired", sms=1),
    ),
    Scenario(
        "push_after_wait",
        "1-6",
        ARRIVES,
        _user("not_set", True),
        THEN_PUSH,
        Expected(
            "handed_over", (("line_notification", "silent"), ("line_push", "accepted")), "expired", pushed=1
        ),
        friend=True,
    ),
    Scenario(
        "late_duplicate",
        "1-7",
        ARRIVES,
        _user("not_set", True),
        THEN_SMS,
        Expected(
            "delivered",
            (("line_notification", "late"), ("sms", "delivered")),
            "delivered",
            shown=1,
            sms=1,
            late_duplicate=True,
        ),
    ),
    Scenario("blocked", "2-1", SILENT, _user("agree", True), ALONE, _silent("blocked")),
    Scenario("no_consent", "2-2", SILENT, _user("not_set", True), ALONE, _silent("expired")),
    Scenario("refused", "2-3", SILENT, _user("not_set", True), ALONE, _silent("refused")),
    Scenario("no_verification", "2-4", SILENT, _user("agree", False), ALONE, _silent("expired")),
    Scenario("number_changed", "2-5", SILENT, _user("agree", False), ALONE, _silent("number_changed")),
    Scenario("no_line_user", "3-1", AT_ONCE, None, THEN_SMS, _REJECTED),
    Scenario("reception_rejected", "3-2", AT_ONCE, _user("reject", True), THEN_SMS, _REJECTED),
)
BY_KEY = {scenario.key: scenario for scenario in SCENARIOS}
