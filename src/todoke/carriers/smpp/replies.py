"""What can become of a request to an SMSC."""

from enum import Enum, auto

import msgspec


class Word(Enum):
    """What became of a request."""

    ANSWERED = auto()
    NOT_WRITTEN = auto()
    """Nothing of it has left, nor will."""
    NO_WORD = auto()
    """It was written, at least in part, and there will be no answer."""


class Reply(msgspec.Struct, frozen=True):
    """What became of a request; `why` where there is no answer, `status` and `body` where there is one."""

    word: Word
    why: str = ""
    status: int = 0
    body: bytes = b""


class NotBound(Exception):
    """There is no session; the text says why. `refused`: the SMSC does not want us, so asking often is of no use."""

    def __init__(self, why: str, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused
