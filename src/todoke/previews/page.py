"""A preview as a page of one file: it asks nobody for anything, and nothing of a template becomes part of its code."""

import base64
import hashlib
import html

import msgspec

from todoke.previews import bundle
from todoke.previews.shapes import Preview
from todoke.previews.words import words

SANDBOX = "sandbox allow-scripts; frame-ancestors 'self'"
"""What a server adds to `policy` in its header, where a page itself can't say it."""

_DATA_BEGINS = '<script type="application/json" id="preview">'
_PAGE = """\
<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{title}</title>
<style>{sheet}</style>
</head>
<body>
<noscript><p>{noscript}</p></noscript>
{data_begins}{data}</script>
<script>{script}</script>
</body>
</html>
"""


def policy() -> str:
    """The page's Content-Security-Policy: our one script and our one sheet, and no request to anywhere."""
    return (
        f"default-src 'none'; script-src {_hash(bundle.script())}; style-src {_hash(bundle.sheet())}; "
        "base-uri 'none'; form-action 'none'"
    )


def page_of(preview: Preview) -> str:
    """The page. It needs no file beside it, and no network."""
    said = words(preview.captions)
    return _PAGE.format(
        lang=html.escape(preview.captions),
        policy=html.escape(policy()),
        title=_text(f"{preview.template} · {said['title']}"),
        noscript=_text(said["noscript"]),
        sheet=bundle.sheet(),
        script=bundle.script(),
        data_begins=_DATA_BEGINS,
        data=_data(preview, said),
    )


def languages_in(html: str) -> list[str]:
    """The languages of the sections of a page that `page_of` made."""
    data = html.partition(_DATA_BEGINS)[2].partition("</script>")[0]
    return [section["language"] for section in msgspec.json.decode(data)["preview"]["sections"]]


def _text(text: str) -> str:
    return html.escape(text.encode("utf-8", "replace").decode())


def _data(preview: Preview, said: dict[str, str]) -> str:
    """JSON that can stand in a script element: no character in it means anything to HTML."""
    encoded = msgspec.json.encode({"preview": preview, "words": said}).decode("utf-8", "replace")
    for sign in "<>&\u2028\u2029":
        encoded = encoded.replace(sign, f"\\u{ord(sign):04x}")
    return encoded


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
