"""What gateway and courier say to each other, in MessagePack, many in a frame.

Ways are numbered by the gateway, one for each time that it opens one; templates and tokens likewise.
"""

import msgspec

from todoke.engine.outgoing import Told


class Hello(msgspec.Struct, array_like=True, tag=0):
    """The first frame: where LINE is, and whose process id the gateway has."""

    line_api_base: str
    gateway: int


class Opened(msgspec.Struct, array_like=True, tag=1):
    """A way of a channel. `held_for`: seconds for which LINE has asked us to wait."""

    way: int
    channel_id: str
    held_for: float


class Use(msgspec.Struct, array_like=True, tag=2):
    """The token and the rate of a way from now on."""

    way: int
    token: int
    access_token: str
    rate: float


class Learn(msgspec.Struct, array_like=True, tag=3):
    """A template's JSON, and the language that it is meant in."""

    template: int
    spec: bytes
    language: str | None


class Unlearn(msgspec.Struct, array_like=True, tag=4):
    """No template that was taught so far is named any more."""


Named = tuple[str, str, int, str]
"""A letter: tag, phone number, template, parameters as JSON."""


class Post(msgspec.Struct, array_like=True, tag=5):
    """Letters to send, up to when they may leave by `monotonic`."""

    way: int
    leave_by: float
    letters: list[Named]


class Shut(msgspec.Struct, array_like=True, tag=6):
    """Nothing more leaves by this way."""

    way: int


class Ping(msgspec.Struct, array_like=True, tag=7):
    """Asks for a `Pong`."""


class Held(msgspec.Struct, array_like=True, tag=8):
    """LINE has asked a channel to wait, and may have told the gateway alone."""

    channel_id: str
    seconds: float


class Late(msgspec.Struct, array_like=True, tag=0):
    """These have not left, and will not."""

    way: int
    tags: list[str]


class Answers(msgspec.Struct, array_like=True, tag=1):
    """What became of letters of one way."""

    way: int
    told: list[Told]


class Failed(msgspec.Struct, array_like=True, tag=2):
    """A defect of ours met a letter: what, and where, without values."""

    tag: str
    error: str
    places: str


class Pong(msgspec.Struct, array_like=True, tag=3):
    """The courier is at work: the answer to a `Ping`, and what it says first."""


Order = Hello | Opened | Use | Learn | Unlearn | Post | Shut | Ping | Held
News = Late | Answers | Failed | Pong
encode = msgspec.msgpack.Encoder().encode
read_order = msgspec.msgpack.Decoder(list[Order]).decode
read_news = msgspec.msgpack.Decoder(list[News]).decode
