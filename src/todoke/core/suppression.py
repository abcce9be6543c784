"""Recipients who are to get nothing, or no SMS; and on what ground a number may be used at all."""

from enum import StrEnum


class Scope(StrEnum):
    """What a suppressed recipient is not sent."""

    ALL = "all"
    """Nothing: a notice to them is refused, whatever its policy."""
    SMS = "sms"
    """No SMS; the other steps run."""


class Cause(StrEnum):
    """Why a recipient is suppressed."""

    OPT_OUT = "opt_out"
    """By their own word."""
    COMPLAINT = "complaint"
    """They complained to a carrier, to LINE, to an authority or to the business."""
    MANUAL = "manual"
    """The business decided so."""


OWN_WILL = frozenset({Cause.OPT_OUT, Cause.COMPLAINT})
"""Only the recipient can take these back: whoever ends them says why."""
_WEIGHT = {Cause.MANUAL: 0, Cause.COMPLAINT: 1, Cause.OPT_OUT: 2}


def outweighs(new: Cause, standing: Cause) -> bool:
    """Whether a cause that comes later takes the place of one that stands: the recipient's own word counts most."""
    return _WEIGHT[new] > _WEIGHT[standing]


class Ground(StrEnum):
    """On what ground a number may be used for notices, as laws of personal data know them."""

    CONTRACT = "contract"
    CONSENT = "consent"
    LEGAL_DUTY = "legal_duty"
    LEGITIMATE_INTEREST = "legitimate_interest"
    OTHER = "other"


NOTHING_AT_ALL = "suppressed: the recipient is to get no messages"
NO_SMS = "suppressed: the recipient is to get no SMS"
_WORDS = frozenset({NOTHING_AT_ALL, NO_SMS})


def why_suppressed(scopes: frozenset[Scope], *, is_sms: bool) -> str | None:
    """Why a step may not run for a recipient with these suppressions; None if it may."""
    if Scope.ALL in scopes:
        return NOTHING_AT_ALL
    return NO_SMS if is_sms and Scope.SMS in scopes else None


def tells_of_suppression(why: str) -> bool:
    """Whether a step was left out for this."""
    return why in _WORDS
