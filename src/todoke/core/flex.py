"""Flex Messages of a template: what LINE would refuse is told when the template is made, not by each notice.

Sources: Messaging API reference, "Flex Message", "Action objects"; "Flex Message layout". A value with a parameter in
it is not judged here. LINE ignores fields that it does not know; one that looks like a slip of the pen is refused.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from todoke.core.errors import InvalidTemplate
from todoke.core.template_limits import ACTIONS, LIMITS_OF_ACTIONS
from todoke.core.template_shape import escaped, holes_as_one, variants_of

Check = Callable[[Any], str | None]
"""What is wrong with a value, as the end of a sentence that begins with the field's name."""

LONGEST_TEXT = 30_000
"""LINE states no limit for a text in a bubble; that of the whole bubble, in bytes, is looked at elsewhere."""
_SPACES = "none xs sm md lg xl xxl"
_SIZES = "xxs xs sm md lg xl xxl 3xl 4xl 5xl"


def _choice(words: str) -> Check:
    known = words.split()
    return lambda value: None if value in known else f"must be one of {', '.join(known)}"


def _length(units: str, words: str = "", *, negative: bool = False) -> Check:
    known = words.split()
    form = re.compile(rf"{'-?' if negative else ''}\d{{1,9}}(?:\.\d{{1,9}})?(?:{'|'.join(units.split())})")
    examples = " or ".join(f"10{unit}" for unit in units.split())

    def check(value: Any) -> str | None:
        if isinstance(value, str) and (value in known or form.fullmatch(value)):
            return None
        return f"must be {', '.join([*known, examples])}"

    return check


def _matches(pattern: str, what: str) -> Check:
    form = re.compile(pattern)
    return lambda value: None if isinstance(value, str) and form.fullmatch(value) else f"must be {what}"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _whole(value: Any) -> str | None:
    return None if type(value) is int and value >= 0 else "must be a whole number from 0 on"


def _text(longest: int) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a text"
        length = holes_as_one(value)
        return None if length <= longest else f"has {length} characters, {longest} are allowed"

    return check


def _anything(value: Any) -> None:
    """Checked elsewhere, or of any form."""


_color = _matches("#(?:[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})", "a colour as #1F6F54")
_space, _font = _length("px", _SPACES), _length("px", _SIZES)
_padding, _extent = _length("px %", _SPACES), _length("px %")
_offset = _length("px %", _SPACES, negative=True)
_https = _matches(r"https://\S{1,1992}", "an address that begins with https://")
_ratio = _matches(r"\d{1,6}(?:\.\d+)?:\d{1,6}(?:\.\d+)?", "width:height, as 20:13")
_ALIGN, _GRAVITY = _choice("start end center"), _choice("top bottom center")
_OFFSETS: dict[str, Check] = {
    "position": _choice("relative absolute"),
    **dict.fromkeys(("offsetTop", "offsetBottom", "offsetStart", "offsetEnd"), _offset),
}
_PLACE: dict[str, Check] = {"flex": _whole, "margin": _space, **_OFFSETS}
_STYLE: dict[str, Check] = {
    "size": _font,
    "color": _color,
    "weight": _choice("regular bold"),
    "style": _choice("normal italic"),
    "decoration": _choice("none underline line-through"),
}
_FITTING: dict[str, Check] = {"adjustMode": _choice("shrink-to-fit"), "scaling": _flag}

_FIELDS: dict[str, dict[str, Check]] = {
    "bubble": {
        "size": _choice("nano micro deca hecto kilo mega giga"),
        "direction": _choice("ltr rtl"),
        **dict.fromkeys(("header", "hero", "body", "footer", "styles", "action"), _anything),
    },
    "box": {
        **_PLACE,
        "layout": _choice("horizontal vertical baseline"),
        "spacing": _space,
        **dict.fromkeys(("backgroundColor", "borderColor"), _color),
        "borderWidth": _length("px", "none light normal medium semi-bold bold"),
        "cornerRadius": _space,
        **dict.fromkeys(("width", "maxWidth", "height", "maxHeight"), _extent),
        **dict.fromkeys(("paddingAll", "paddingTop", "paddingBottom", "paddingStart", "paddingEnd"), _padding),
        "justifyContent": _choice("center flex-start flex-end space-between space-around space-evenly"),
        "alignItems": _choice("center flex-start flex-end"),
        **dict.fromkeys(("contents", "action", "background"), _anything),
    },
    "button": {
        **_PLACE,
        **_FITTING,
        "color": _color,
        "style": _choice("primary secondary link"),
        "gravity": _GRAVITY,
        "height": _choice("md sm"),
        "action": _anything,
    },
    "image": {
        **_PLACE,
        "url": _https,
        "align": _ALIGN,
        "gravity": _GRAVITY,
        "size": _length("px %", f"{_SIZES} full"),
        "aspectRatio": _ratio,
        "aspectMode": _choice("fit cover"),
        "backgroundColor": _color,
        "animated": _flag,
        "action": _anything,
    },
    "icon": {
        **_OFFSETS, "url": _https, "margin": _space, "size": _font, "aspectRatio": _ratio, "scaling": _flag
    },
    "text": {
        **_PLACE,
        **_FITTING,
        **_STYLE,
        "text": _text(LONGEST_TEXT),
        "align": _ALIGN,
        "gravity": _GRAVITY,
        "wrap": _flag,
        "lineSpacing": _length("px"),
        "maxLines": _whole,
        **dict.fromkeys(("contents", "action"), _anything),
    },
    "span": {**_STYLE, "text": _text(LONGEST_TEXT)},
    "separator": {"margin": _space, "color": _color},
    "filler": {"flex": _whole},
    "video": {"url": _https, "previewUrl": _https, "aspectRatio": _ratio, "altContent": _anything, "action": _anything},
}  # fmt: skip
_NEEDS = {
    "box": ("layout", "contents"),
    "button": ("action",),
    "image": ("url",),
    "icon": ("url",),
    "video": ("url", "previewUrl", "altContent"),
}
_IN_LINE = ("box", "button", "image", "text", "separator", "filler")
_IN_BASELINE = ("icon", "text", "filler")
_BLOCKS = {"header": ("box",), "hero": ("box", "image", "video"), "body": ("box",), "footer": ("box",)}
_BLOCK_STYLE: dict[str, Check] = {"backgroundColor": _color, "separator": _flag, "separatorColor": _color}


def check_flex(spec: Mapping[str, Any]) -> None:
    """Raises InvalidTemplate for what LINE would refuse in the Flex Messages of a template, whose shape is right."""
    places = [(spec, "")]
    places += [(variant, f"/languages/{escaped(key)}") for key, variant in variants_of(spec).items()]
    for node, pointer in places:
        for form in ("flexible", "push"):
            for n, message in enumerate(node.get(form) or ()):
                if message["type"] == "flex":
                    _container(message["contents"], f"{pointer}/{form}/{n}/contents")


def _container(container: Mapping[str, Any], pointer: str) -> None:
    if container["type"] == "bubble":
        _bubble(container, pointer)
        return
    sizes = {bubble.get("size") or "mega" for bubble in container["contents"]}
    for n, bubble in enumerate(container["contents"]):
        place = f"{pointer}/contents/{n}"
        if bubble.get("type") != "bubble":
            raise InvalidTemplate("A carousel holds bubbles only", f"{place}/type")
        _bubble(bubble, place)
    if len(sizes) > 1:
        raise InvalidTemplate("All bubbles of a carousel have the same size", f"{pointer}/contents")


def _bubble(bubble: Mapping[str, Any], pointer: str) -> None:
    _fields(bubble, _FIELDS["bubble"], "a bubble", pointer)
    blocks = [name for name in _BLOCKS if bubble.get(name) is not None]
    if not blocks:
        raise InvalidTemplate(f"A bubble needs one of {', '.join(_BLOCKS)}", pointer)
    for name in blocks:
        _component(bubble[name], _BLOCKS[name], f"{pointer}/{name}")
    if bubble.get("action") is not None:
        _action(bubble["action"], f"{pointer}/action")
    if (styles := bubble.get("styles")) is not None:
        _object(styles, f"{pointer}/styles")
        for name, style in styles.items():
            _object(style, f"{pointer}/styles/{name}")
            _fields(style, _BLOCK_STYLE, "the style of a block", f"{pointer}/styles/{name}")


def _component(node: Any, kinds: tuple[str, ...], pointer: str) -> None:
    _object(node, pointer)
    kind = node.get("type")
    if not isinstance(kind, str) or kind not in kinds:
        given = (
            f"{kind[:20]!r} can't stand" if isinstance(kind, str) else "Something without a type can't stand"
        )
        raise InvalidTemplate(f"{given} here: use {', '.join(kinds)}", f"{pointer}/type")
    what = f"a component of type {kind}"
    for field in _NEEDS.get(kind, ()):
        if node.get(field) is None:
            raise InvalidTemplate(f"{what.capitalize()} needs {field}", f"{pointer}/{field}")
    _fields(node, _FIELDS[kind], what, pointer)
    if node.get("action") is not None:
        _action(node["action"], f"{pointer}/action", labelled=kind == "button")
    if kind == "box":
        _children(
            node["contents"],
            _IN_BASELINE if node["layout"] == "baseline" else _IN_LINE,
            f"{pointer}/contents",
        )
    elif kind == "text":
        if node.get("contents"):
            _children(node["contents"], ("span",), f"{pointer}/contents")
        elif not node.get("text"):
            raise InvalidTemplate("A text component needs a text that is not empty", f"{pointer}/text")
    elif kind == "video":
        _component(node["altContent"], ("box", "image"), f"{pointer}/altContent")


def _children(nodes: Any, kinds: tuple[str, ...], pointer: str) -> None:
    if not isinstance(nodes, list):
        raise InvalidTemplate("contents must be a list of components", pointer)
    for n, child in enumerate(nodes):
        _component(child, kinds, f"{pointer}/{n}")


def _action(node: Any, pointer: str, *, labelled: bool = False) -> None:
    _object(node, pointer)
    kind = node.get("type")
    if not isinstance(kind, str) or kind not in ACTIONS:
        raise InvalidTemplate(f"The type of an action is one of {', '.join(ACTIONS)}", f"{pointer}/type")
    for field in (*ACTIONS[kind], *(("label",) if labelled else ())):
        if not node.get(field):
            raise InvalidTemplate(f"This action needs {field}, not empty", f"{pointer}/{field}")
    for field, longest in LIMITS_OF_ACTIONS.items():
        if node.get(field) is not None and (problem := _text(longest)(node[field])):
            raise InvalidTemplate(f"{field} {problem}", f"{pointer}/{field}")


def _fields(node: Mapping[str, Any], known: Mapping[str, Check], what: str, pointer: str) -> None:
    for field, value in node.items():
        if field == "type" or value is None:
            continue
        check = known.get(field)
        if check is None:
            if close := get_close_matches(field[:40], known, n=1, cutoff=0.8):
                raise InvalidTemplate(
                    f"There is no field {field[:40]!r} in {what}. {close[0]}?", f"{pointer}/{field[:40]}"
                )
        elif not (isinstance(value, str) and "{{" in value) and (problem := check(value)):
            raise InvalidTemplate(f"{field} {problem}", f"{pointer}/{field}")


def _object(node: Any, pointer: str) -> None:
    if not isinstance(node, dict):
        raise InvalidTemplate("An object is needed here", pointer)
