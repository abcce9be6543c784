"""Files that people add to an application: what they are by their content, and names that are safe to hand on."""

import re
import unicodedata
from urllib.parse import unquote

MOST_BYTES = 10_000_000
"""Of one file."""
MOST_BYTES_IN_ALL = 50_000_000
"""Of all files of an application."""
_LONGEST_NAME = 120
_BEGINNINGS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
ENDINGS = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "video/mp4": (".mp4", ".m4v"),
    "text/html": (".html", ".htm"),
    "text/csv": (".csv",),
    "text/plain": (".txt", ".csv", ".md", ".log"),
}
"""What is taken, and how such files' names may end."""
TAKEN = "PDF, PNG, JPEG, WebP, MP4, HTML, CSV and text"
_SPACE = re.compile(r"\s*")
_HTML = re.compile(r"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_NO_TEXT = bytes({*range(9), 0x0B, *range(0x0E, 0x20), 0x7F})
"""Bytes that stand in no text; in UTF-8 none of them is a part of another character."""


def media_type(content: bytes, name: str) -> str | None:
    """What a file is, by its first bytes; None for what is not taken. Its name only tells CSV from other text."""
    for beginning, found in _BEGINNINGS:
        if content.startswith(beginning):
            return found
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        return "video/mp4"
    text = _text(content)
    if text is None:
        return None
    if _is_html(text[:4096]):
        return "text/html"
    return "text/csv" if name.lower().endswith(".csv") else "text/plain"


def _is_html(text: str) -> bool:
    """Whether it begins as a page, after spaces and comments. Looks at each character once, whatever it holds."""
    at = 0
    while True:
        if (space := _SPACE.match(text, at)) is not None:
            at = space.end()
        if not text.startswith("<!--", at):
            return _HTML.match(text, at) is not None
        end = text.find("-->", at + 4)
        if end < 0:
            return False
        at = end + 3


def _text(content: bytes) -> str | None:
    """The content as text; None where it is none, or in an encoding that hides what it is."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if not text or text.isspace() or len(content.translate(None, _NO_TEXT)) != len(content):
        return None
    return text


def safe_name(name: str, media: str) -> str:
    """A file name without folders, control characters and marks that turn writing round, with an ending that fits."""
    # Some clients send what is not ASCII, and browsers quotes, percent-encoded (RFC 7578, section 2).
    name = unicodedata.normalize("NFC", unquote(name)).replace("\\", "/").rpartition("/")[2]
    kept = "".join(c if c.isprintable() and c not in '<>:"|?*;%' else " " for c in name)
    kept = re.sub(r"\s+", " ", kept).strip(" .")[-_LONGEST_NAME:] or "file"
    endings = ENDINGS[media]
    return kept if kept.lower().endswith(endings) else kept + endings[0]
