"""LINE's own OpenAPI file against the tables of the validator: types, properties, limits, listed values."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from line_emulator.world.messages import (
    MESSAGES,
    actions,
    common,
    flex,
    flex_boxes,
    flex_components,
    imagemap,
    templates,
    text,
)
from line_emulator.world.messages.shapes import Many, Shape

CONTRACT = Path(__file__).parent / "contracts" / "messaging-api.yml"
COMPONENTS: dict[str, Any] = {
    **flex_boxes.IN_LINE.kinds,
    **flex_boxes.IN_BASELINE.kinds,
    "span": flex_components.SPAN,
    "video": flex_boxes.VIDEO,
}
FAMILIES: dict[str, Any] = {
    "Message": MESSAGES,
    "Template": templates.TEMPLATES,
    "FlexContainer": {"bubble": flex.BUBBLE, "carousel": flex.CAROUSEL},
    "FlexComponent": COMPONENTS,
    "FlexBoxBackground": flex_boxes.BACKGROUND.kinds,
    "Action": {name: shape.extended({"label": common.fields.text()}) for name, shape in actions.ALL.items()},
    "ImagemapAction": imagemap.ACTIONS,
    "SubstitutionObject": text.SUBSTITUTE.kinds,
    "MentionTarget": text.MENTIONEE.kinds,
}
SINGLE: dict[str, Shape] = {
    "QuickReply": common.QUICK_REPLY,
    "QuickReplyItem": common.QUICK_REPLY_ITEM,
    "Sender": common.SENDER,
    "Emoji": text.EMOJI,
    "AltUri": actions.ALT_URI,
    "CarouselColumn": templates.COLUMN,
    "ImageCarouselColumn": templates.IMAGE_COLUMN,
    "ImagemapBaseSize": imagemap.BASE_SIZE,
    "ImagemapArea": imagemap.AREA,
    "ImagemapVideo": imagemap.VIDEO,
    "ImagemapExternalLink": imagemap.EXTERNAL_LINK,
    "FlexBubbleStyles": flex.BUBBLE_STYLES,
    "FlexBlockStyle": flex.BLOCK_STYLE,
}
KEYWORDS = {
    "FlexBoxBorderWidth": (flex_boxes.BOX, ["borderWidth"]),
    "FlexBoxCornerRadius": (flex_boxes.BOX, ["cornerRadius"]),
    "FlexBoxSpacing": (flex_boxes.BOX, ["spacing"]),
    "FlexBoxPadding": (flex_boxes.BOX, ["paddingAll", "paddingTop", "paddingStart"]),
    "FlexMargin": (flex_boxes.BOX, ["margin"]),
    "FlexOffset": (flex_boxes.BOX, ["offsetTop", "offsetEnd"]),
    "FlexImageSize": (flex_components.IMAGE, ["size"]),
    "FlexIconSize": (flex_components.ICON, ["size"]),
    "FlexTextFontSize": (flex_components.TEXT, ["size"]),
    "FlexSpanSize": (flex_components.SPAN, ["size"]),
    "TemplateImageAspectRatio": (templates.BUTTONS, ["imageAspectRatio"]),
    "TemplateImageSize": (templates.CAROUSEL, ["imageSize"]),
}


@cache
def schemas() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(CONTRACT.read_text(encoding="utf-8"), Loader=loader)
    return found["components"]["schemas"]  # type: ignore[no-any-return]


def merged(name: str) -> tuple[dict[str, Any], set[str]]:
    """The properties and the required ones of a schema with those that it inherits, without `type`."""
    properties: dict[str, Any] = {}
    required: set[str] = set()
    parts = [schemas()[name]]
    while parts:
        part = parts.pop()
        if "$ref" in part:
            parts.append(schemas()[part["$ref"].rsplit("/", 1)[1]])
            continue
        properties.update(part.get("properties", {}))
        required.update(part.get("required", ()))
        parts.extend(part.get("allOf", ()))
    return {name: value for name, value in properties.items() if name != "type"}, required - {"type"}


def kinds(family: str) -> dict[str, str]:
    """The schema of each type."""
    mapping = schemas()[family]["discriminator"]["mapping"]
    return {kind: reference.rsplit("/", 1)[1] for kind, reference in mapping.items()}


def shapes() -> list[tuple[str, Shape]]:
    found = list(SINGLE.items())
    for family, known in FAMILIES.items():
        found += [(schema, known[kind]) for kind, schema in kinds(family).items()]
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_every_type_of_the_contract_is_known_and_no_other(family: str) -> None:
    assert set(FAMILIES[family]) == set(kinds(family))


def test_every_object_has_the_properties_of_the_contract_and_no_others() -> None:
    for schema, shape in shapes():
        properties, _ = merged(schema)
        assert shape.names() - {"type"} == set(properties), schema


def test_what_the_contract_requires_is_needed() -> None:
    for schema, shape in shapes():
        _, required = merged(schema)
        assert required <= set(shape.needs), schema


def test_the_lengths_and_listed_values_of_the_contract_are_kept() -> None:
    lengths = values = 0
    for schema, shape in shapes():
        for name, about in merged(schema)[0].items():
            longest = about.get("maxLength")
            if longest is not None:
                lengths += 1
                assert shape.values[name]("x" * (longest + 1)) == f"Length must be between 0 and {longest}", (
                    name
                )
                assert shape.values[name]("x" * longest) != f"Length must be between 0 and {longest}", name
            for value in about.get("enum", ()):
                values += 1
                assert shape.values[name](value) is None, (schema, name)
            if "enum" in about:
                listed = ", ".join(about["enum"])
                found = shape.values[name]("nonsense")
                assert found is not None
                assert sorted(found.partition("[")[2].rstrip("]").split(", ")) == sorted(listed.split(", "))
    assert lengths >= 10
    assert values >= 60


@pytest.mark.parametrize("schema", KEYWORDS)
def test_every_keyword_of_the_contract_is_accepted(schema: str) -> None:
    shape, names = KEYWORDS[schema]
    for word in schemas()[schema]["enum"]:
        assert [shape.values[name](word) for name in names] == [None] * len(names)


def test_arrays_have_the_size_of_the_contract() -> None:
    items = common.QUICK_REPLY.parts["items"]
    assert isinstance(items, Many)
    assert items.most == schemas()["QuickReply"]["properties"]["items"]["maxItems"]


def test_every_schema_with_types_is_compared_or_known_to_concern_something_else() -> None:
    typed = {name for name, schema in schemas().items() if "discriminator" in schema}
    elsewhere = {name for name in typed if name.startswith(("Coupon", "Acquisition", "CashBack", "Discount"))}
    elsewhere |= {"Recipient", "DemographicFilter", "RichMenuBatchOperation"}
    assert typed - elsewhere == set(FAMILIES)
