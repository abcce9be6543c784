"""Frames with their times → a film: H.264 in MP4, which every browser plays from a `data:` URI.

The frames are JPEGs as Chromium's screencast gives them, at uneven times: real movement keeps its pace, waiting is
cut, and each picture that is meant to be read is held for as long as its caption takes.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from todoke.browser import NoBrowser

if TYPE_CHECKING:
    from av import VideoFrame

READ_MS = 1600
READ_MS_PER_LETTER = {"zh-Hant": 110, "ja": 95, "th": 62, "en": 55}
"""How long a caption takes to read, by language: Han characters say more each than letters do."""
LONGEST_READ_MS = 7000
LONGEST_GAP_MS = 450
"""Nothing moved for longer: that time is cut."""
_TICK_MS = 500
_QUALITY = "31"
_MILLISECONDS = Fraction(1, 1000)


class Frame(NamedTuple):
    """A picture, and how long it stays."""

    jpeg: bytes
    ms: int


def held_ms(caption: str, language: str) -> int:
    """How long a picture with this caption is held, in ms."""
    return min(LONGEST_READ_MS, READ_MS + len(caption) * READ_MS_PER_LETTER[language])


def paced(recorded: Sequence[tuple[float, bytes]]) -> list[Frame]:
    """Recorded frames, each with its time in seconds, as frames with durations; long waits are cut."""
    frames = []
    for (at, jpeg), following in pairwise(recorded):
        frames.append(Frame(jpeg, max(1, min(LONGEST_GAP_MS, round((following[0] - at) * 1000)))))
    if recorded:
        frames.append(Frame(recorded[-1][1], LONGEST_GAP_MS // 3))
    return frames


def check_encoder() -> None:
    """Raises NoBrowser, with the remedy, where PyAV is missing."""
    try:
        import av  # noqa: F401, PLC0415
    except ImportError:
        raise NoBrowser("PyAV, which makes films, is not installed: pip install 'todoke[browser]'.") from None


def encode(frames: Sequence[Frame], width: int, height: int, path: Path) -> None:
    """Writes the film. Width and height in pixels, both even."""
    import av  # noqa: PLC0415
    from av.video.frame import PictureType  # noqa: PLC0415
    from av.video.reformatter import ColorRange, Colorspace  # noqa: PLC0415

    # The table of contents goes to the front, so that a film plays before all of it is read.
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as film:
        stream = film.add_stream(
            "libx264", rate=Fraction(30), options={"crf": _QUALITY, "preset": "veryfast"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = stream.time_base = _MILLISECONDS
        stream.codec_context.gop_size = 120
        at = 0
        for frame in frames:
            picture = _decoded(frame.jpeg).reformat(
                width,
                height,
                "yuv420p",
                Colorspace.ITU601,
                Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )
            # A frame that comes from a JPEG calls itself a key frame, and would be stored as one: ten times the size.
            picture.pict_type = PictureType.NONE
            # A still is repeated now and then: players that seek by frames find one near every second.
            for ticked in range(0, frame.ms, _TICK_MS):
                picture.pts, picture.time_base = at + ticked, _MILLISECONDS
                film.mux(stream.encode(picture))
            at += frame.ms
        picture.pts = at
        film.mux(stream.encode(picture))
        film.mux(stream.encode())


def _decoded(jpeg: bytes) -> "VideoFrame":
    import av  # noqa: PLC0415

    return av.CodecContext.create("mjpeg", "r").decode(av.Packet(jpeg))[0]
