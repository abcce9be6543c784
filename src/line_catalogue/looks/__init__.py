"""How messages and chats look on a phone: JavaScript and CSS that draw them, and the words around them.

The emulator serves these files to its phone; the gateway puts them into previews. A picture decides nothing: no
answer of either program depends on a file here (docs/decisions/0014). Never here: behaviour of LINE's side, or
anything of `todoke` or `line_emulator`.

    files/messages/   LINE's message objects, and the notification of the template kind
    files/phone/      what stands around them: bars, names and badges, the chat; words, this project's own
"""

from pathlib import Path


def folder() -> Path:
    """Where the files lie."""
    return Path(__file__).parent / "files"
