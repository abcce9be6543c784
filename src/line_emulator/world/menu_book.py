"""The rich menus of one channel, as data. What may be done with them stands in `rich_menus`."""

from __future__ import annotations

from typing import Any

import msgspec


class RichMenu(msgspec.Struct):
    """One rich menu: the object that the channel sent, and the picture, at most 1 MB; None: not uploaded yet."""

    menu_id: str
    body: dict[str, Any]
    image: bytes | None = None
    content_type: str = ""


class Menus(msgspec.Struct):
    """`known` by id, `aliases` to ids, `linked`: ids by the account number of users with one of their own."""

    known: dict[str, RichMenu] = {}
    aliases: dict[str, str] = {}
    default: str | None = None
    linked: dict[int, str] = {}
