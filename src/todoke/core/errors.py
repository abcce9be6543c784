"""Every error that the core raises, as a tree.

    TodokeError                 has code, message, pointer: where in the input, and the remedy in the message
    ├── InvalidNumber           a phone number that can't be used; `reason` is one of phone.Reason
    ├── InvalidTemplate         a template that can't be stored
    ├── InvalidParameters       parameters that do not fill a template
    │   └── ContentRefused      contents that must not be sent
    ├── Untimely                a notice that comes too late, too early or too often; `code` says which
    ├── InvalidPolicy           a policy that makes no sense
    ├── InvalidPlan             a batch's plan that can't be followed
    ├── InvalidMessages         message objects that can't be sent
    ├── InvalidRule             a rule of the content check that can't be used
    └── IllegalTransition       a move that the state table does not have: our own fault, never the user's

Expected results (an outcome, a refused row) are values, not exceptions.
"""

from collections.abc import Sequence


class TodokeError(Exception):
    """Something in the input can't be used. `message` names the value (masked if personal) and the remedy."""

    code = "error"

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer


class InvalidNumber(TodokeError):
    """A phone number that can't be used. `reason` is a short stable word, for counting."""

    code = "invalid-number"

    def __init__(self, message: str, reason: str, pointer: str = "/to") -> None:
        super().__init__(message, pointer)
        self.reason = reason


class InvalidTemplate(TodokeError):
    """A template that can't be stored."""

    code = "invalid-template"


class InvalidParameters(TodokeError):
    """Parameters that do not fill a template, or fill it beyond a limit of the carrier.

    `problems` holds all that was found, each as pointer and message; `message` and `pointer` are the first.
    """

    code = "invalid-parameters"

    def __init__(
        self, message: str, pointer: str = "/parameters", problems: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message, pointer)
        self.problems = tuple(problems) or ((pointer, message),)


class ContentRefused(InvalidParameters):
    """Contents that must not be sent: the fixed text of a template, or the values of a notice."""

    code = "content"


class Untimely(TodokeError):
    """A notice that comes too late, too early or too often. `code` is that, as too-late."""

    def __init__(self, code: str, message: str, pointer: str) -> None:
        super().__init__(message, pointer)
        self.code = code


class Invalid(TodokeError):
    """A field of the input that can't be used."""

    code = "invalid"


class InvalidEvent(TodokeError):
    """The time of the event can't be read."""

    code = "invalid"


class NotLive(TodokeError):
    """The template's version is not live, and the recipient is none of the channel's test numbers."""

    code = "not-live"


class InvalidPolicy(TodokeError):
    """A policy that makes no sense."""

    code = "invalid-policy"


class InvalidPlan(TodokeError):
    """A batch's plan that can't be followed."""

    code = "invalid-plan"


class InvalidMessages(TodokeError):
    """Message objects that can't be sent."""

    code = "invalid-messages"


class InvalidRule(TodokeError):
    """A rule of the content check that can't be used."""

    code = "invalid-rule"


class IllegalTransition(TodokeError):
    """A move that the state table does not have."""

    code = "illegal-transition"
