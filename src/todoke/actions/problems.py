"""What is wrong with a call, by whatever action finds it."""

from todoke.core.errors import Invalid as Invalid
from todoke.core.errors import TodokeError


class NotFound(TodokeError):
    """Something named in the input does not exist in this account."""

    code = "not-found"
