"""How a template looks to its recipients: a document, a page of one file, and pictures of it.

    found = preview(template, Sender("好日子宅配", "TW"), language="zh-Hant")
    html = page_of(found)
    png = await Painter().paint(html)

May import `todoke.core`, `todoke.reports.prices`, `todoke.browser` and `line_catalogue`. The drawing itself is
`line_catalogue.looks`, the same files as on the emulator's phone. Never here: the database, HTTP, decisions.
"""

from todoke.previews.document import preview
from todoke.previews.page import page_of
from todoke.previews.picture import Painter
from todoke.previews.shapes import Preview, Sender

__all__ = ["Painter", "Preview", "Sender", "page_of", "preview"]
