"""Templates in several languages: tags as people write them, which variant is meant, what it takes from the first."""

from typing import Any

import pytest

from todoke.core.errors import InvalidParameters, InvalidTemplate
from todoke.core.languages import chosen, tag_of
from todoke.core.template import (
    Template,
    check_parameters,
    compile,
    in_language,
    render_line,
    render_push,
    render_sms,
    texts_by_language,
)


def text(words: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": words}]


SPEC: dict[str, Any] = {
    "name": "parcel",
    "use_case": "delivery",
    "language": "zh-TW",
    "parameters": {
        "name": {"type": "text", "example": {"zh-Hant": "王小明", "th": "สมชาย ใจดี"}, "max": 20},
        "shop": {"type": "text", "example": "A1"},
    },
    "line_template": {"templateKey": "k", "body": {"items": [{"itemKey": "i", "content": "{{name}}"}]}},
    "push": text("{{name}} 您好"),
    "sms": "{{name}} 您的包裹已送達 {{shop}}",
    "languages": {
        "th": {"flexible": text("คุณ{{name}} {{shop}}"), "sms": "คุณ{{name}} พัสดุถึง {{shop}} แล้ว"},
        "en-us": {"sms": "{{name}}, your parcel is at {{shop}}"},
        "ja_JP": {"push": text("{{name}}様")},
    },
}


NAME = {"type": "text", "example": "王小明", "max": 20}


def spec(**changes: Any) -> dict[str, Any]:
    """Another template; one with other languages has no examples by language, unless it says so."""
    plain = {"parameters": {**SPEC["parameters"], "name": NAME}} if "languages" in changes else {}
    return {k: v for k, v in {**SPEC, **plain, **changes}.items() if v is not None}


def filled(template: Template) -> dict[str, str]:
    return check_parameters(template, {k: p.example for k, p in template.parameters.items()})


def test_tags_come_into_one_form_however_people_write_them() -> None:
    table = {
        "zh-TW": "zh-Hant",
        "zh_tw": "zh-Hant",
        "ZH-HANT": "zh-Hant",
        "zh-Hant-TW": "zh-Hant",
        "zh-CN": "zh-Hans",
        " th ": "th",
        "th-TH": "th",
        "ja_JP": "ja",
        "EN-us": "en-US",
        "es-419": "es-419",
        "sl-rozaj": "sl-rozaj",
        "": None,
        "t": None,
        "klingon!": None,
        "english": None,
        "en-": None,
        "th\u202e": None,
        "en" + "-abcdefgh" * 3: None,
        "x" * 100_000: None,
    }
    assert {text: tag_of(text) for text in table} == table


def test_the_nearest_language_is_chosen_and_none_where_there_is_none_near() -> None:
    table = [
        ("zh_TW", ["en", "zh-Hant"], "zh-Hant"),
        ("zh", ["en", "zh-Hant"], "zh-Hant"),
        ("zh-Hant-HK", ["zh-Hans", "zh-Hant"], "zh-Hant"),
        ("zh-CN", ["zh-Hant", "th"], "zh-Hant"),
        ("en-GB", ["en-US", "en"], "en"),
        ("en-GB", ["th", "en-US"], "en-US"),
        ("ja", ["zh-Hant", "th"], None),
        ("thai", ["th"], None),
    ]
    for asked, has, expected in table:
        assert chosen(asked, has) == expected, asked


def test_each_language_is_filled_with_its_own_forms_and_the_others_come_from_the_first() -> None:
    template = compile(SPEC)
    assert template.language == "zh-Hant"
    assert template.languages == ("zh-Hant", "th", "en-US", "ja")
    values = {"name": "N", "shop": "S"}
    premade = (False, {"templateKey": "k", "body": {"items": [{"itemKey": "i", "content": "N"}]}})
    table: dict[str | None, tuple[Any, str, str]] = {
        None: (premade, "N 您好", "N 您的包裹已送達 S"),
        "zh-Hant": (premade, "N 您好", "N 您的包裹已送達 S"),
        # Its own flexible messages go before the premade template and the push in another language.
        "th": ((True, {"messages": text("คุณN S")}), "คุณN S", "คุณN พัสดุถึง S แล้ว"),
        "en-US": (premade, "N 您好", "N, your parcel is at S"),
        "ja": (premade, "N様", "N 您的包裹已送達 S"),
        "ko": (premade, "N 您好", "N 您的包裹已送達 S"),
    }
    for language, (line, push, sms) in table.items():
        assert render_line(template, values, language) == line, language
        assert render_push(template, values, language) == {"messages": text(push)}, language
        assert render_sms(template, values, language) == sms, language
        assert render_sms(in_language(template, language), values) == sms, language


def test_examples_are_those_of_the_language_and_else_those_of_the_first() -> None:
    template = compile(SPEC)
    found = {tag: filled(in_language(template, tag)) for tag in template.languages}
    assert found["zh-Hant"] == {"name": "王小明", "shop": "A1"}
    assert found["th"] == {"name": "สมชาย ใจดี", "shop": "A1"}
    assert found["en-US"] == found["ja"] == found["zh-Hant"]


def test_every_text_stands_once_with_its_language_and_its_place() -> None:
    found = [(language, each.pointer) for language, each in texts_by_language(compile(SPEC))]
    assert found == [
        ("zh-Hant", "/line_template/templateKey"),
        ("zh-Hant", "/line_template/body/items/0/itemKey"),
        ("zh-Hant", "/line_template/body/items/0/content"),
        ("zh-Hant", "/push/0/type"),
        ("zh-Hant", "/push/0/text"),
        ("zh-Hant", "/sms"),
        ("th", "/languages/th/flexible/0/type"),
        ("th", "/languages/th/flexible/0/text"),
        ("th", "/languages/th/sms"),
        ("en-US", "/languages/en-us/sms"),
        ("ja", "/languages/ja_JP/push/0/type"),
        ("ja", "/languages/ja_JP/push/0/text"),
    ]


def test_a_parameter_is_held_to_the_limits_of_the_language_it_is_for() -> None:
    long = {"sms": "您" * 400 + "{{name}}" * 20}
    template = compile(spec(languages={"en": long}))
    values = {"name": "王" * 20, "shop": "S"}
    check_parameters(template, values)
    with pytest.raises(InvalidParameters, match="/languages/en/sms has 800") as error:
        check_parameters(in_language(template, "en"), values)
    assert error.value.pointer == "/parameters/name"


def test_a_bind_link_counts_for_the_forms_of_its_own_language() -> None:
    template = compile(spec(languages={"th": {"sms": "{{bind_link}}"}}))
    assert template.links == frozenset()
    assert in_language(template, "th").links == {"sms"}


def test_a_list_of_languages_says_what_the_texts_are_written_in() -> None:
    template = compile(
        spec(
            language=None,
            languages=["zh-tw", "en", "zh-Hant"],
            parameters={},
            sms="x",
            push=None,
            line_template=None,
        )
    )
    assert (template.language, template.languages, template.variants) == ("zh-Hant", ("zh-Hant", "en"), {})
    nothing = compile({"name": "a", "use_case": "b", "sms": "x"})
    assert (nothing.language, nothing.languages) == (None, ())


def test_what_is_wrong_with_a_variant_is_told_with_its_place() -> None:
    table: list[tuple[dict[str, Any], str, str]] = [
        ({"languages": {"klingon!": {"sms": "x"}}}, "/languages/klingon!", "zh-Hant, th, ja or en"),
        ({"languages": {"th": {}}}, "/languages/th", "nothing to send"),
        ({"languages": {"th": "x"}}, "/languages/th", "object"),
        ({"languages": {"th": {"name": "x"}}}, "/languages/th/name", "no field 'name'"),
        ({"languages": {"th": {"parameters": {}}}}, "/languages/th/parameters", "no field"),
        ({"languages": {"th": {"sms": "{{nobody}}"}}}, "/languages/th/sms", "not declared"),
        ({"languages": {"a/b": {"sms": "x"}}}, "/languages/a~1b", "tag"),
        ({"languages": {"th": {"sms": "x"}, "th-TH": {"sms": "y"}}}, "/languages/th-TH", "twice, also as 'th'"),
        ({"languages": {"zh-Hant-TW": {"sms": "x"}}}, "/languages/zh-Hant-TW", "own language"),
        ({"languages": 5}, "/languages", "object of at most 20"),
        ({"languages": {f"{a}{b}": {"sms": "x"} for a in "abcde" for b in "abcde"}}, "/languages", "at most 20"),
        ({"languages": ["th", 5]}, "/languages/1", "tag"),
        ({"language": "Thai language"}, "/language", "tag"),
        ({"language": ["th"]}, "/language", "tag"),
        ({"languages": {"th": {"sms": "您" * 671}}}, "/languages/th/sms", "too long"),
        ({"languages": {"th": {"sms": "x\u202ey"}}}, "/languages/th/sms", r"U\+202E, at character 2"),
        ({"languages": {"th": {"flexible": [{"type": "image"}]}}}, "/languages/th/flexible/0/type", "'image'"),
        (
            {"languages": {"th": {"line_template": {"templateKey": "k", "body": {
                "items": [{"itemKey": "i", "content": "{{bind_link}}"}]}}}}},
            "/languages/th/line_template/body/items/0/content",
            "no link in an item",
        ),
        ({"languages": {"th": {"push": [text("x")[0] | {"y": "z" * 66_000}]}}}, "/languages/th", "64 KiB"),
        (
            {"languages": {t: {"push": [{"type": "text", "text": "x", "y": "z" * 60_000}]} for t in ("th", "en", "ko",
                                                                                                   "vi", "id")}},
            "",
            "256 KiB",
        ),
        (
            {"parameters": {**SPEC["parameters"], "shop": {"type": "text", "example": {"zh-Hant": "x", "fr": "y"}}}},
            "/parameters/shop/example/fr",
            "not written in fr",
        ),
        (
            {"parameters": {**SPEC["parameters"], "shop": {"type": "text", "example": {"th": "y"}}}},
            "/parameters/shop/example",
            "in zh-Hant is needed",
        ),
        (
            {"parameters": {**SPEC["parameters"], "shop": {"type": "text", "example": {"zh-Hant": "x", "th": "y" * 20},
                                                           "max": 9}}},
            "/parameters/shop/example/th",
            "has 20 characters",
        ),
        (
            {
                "languages": {"th": {"line_template": {"templateKey": "k", "body": {
                    "emphasizedItem": {"itemKey": "i", "content": "{{name}}{{shop}}"}}}}},
                "parameters": {**SPEC["parameters"], "shop": {"type": "text",
                               "example": {"zh-Hant": "x", "th": "yyyyyyyyy"}}},
            },
            "/parameters/name/example/th",
            "too long",
        ),
    ]  # fmt: skip
    for changes, pointer, words in table:
        with pytest.raises(InvalidTemplate, match=words) as error:
            compile(spec(**changes))
        assert error.value.pointer == pointer, changes
