"""Why a whole file is refused; refused rows are values."""

from todoke.core.errors import TodokeError


class FileRefused(TodokeError):
    """A file that can't be taken as a list. `code` says which kind of trouble; the message has place and remedy."""

    def __init__(self, code: str, message: str, pointer: str = "/file") -> None:
        super().__init__(message, pointer)
        self.code = code


def not_a_list(message: str) -> FileRefused:
    return FileRefused("not-a-list", message)
