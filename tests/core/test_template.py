"""Templates: what compiles, what they fill to, and what is refused before a carrier sees it."""

import copy
import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from todoke.core import template as templates
from todoke.core.errors import InvalidParameters, InvalidTemplate
from todoke.core.template import Template, check_parameters, render_line, render_push, render_sms
from todoke.core.template_values import utf16_length

PARAMETERS = {
    "date": {"type": "date", "example": "2026年8月10日(月)"},
    "number": {"type": "number", "example": "4711-0815"},
    "name": {"type": "text", "example": "林雅婷", "max": 20},
}
LINE_TEMPLATE: dict[str, Any] = {
    "templateKey": "shipment_completed_ja",
    "body": {
        "emphasizedItem": {"itemKey": "date_002_ja", "content": "{{date}}"},
        "items": [
            {"itemKey": "number_001_ja", "content": "{{number}}"},
            {"itemKey": "name_010_ja", "content": "100% {{ name }}/{{number}}"},
        ],
        "buttons": [{"buttonKey": "check_delivery_status_ja", "url": "https://a.example/t?n={{number}}"}],
    },
}
FLEX: dict[str, Any] = {
    "type": "flex",
    "altText": "{{name}}",
    "contents": {
        "type": "bubble",
        "body": {
            "type": "box",
            "layout": "vertical",
            "contents": [{"type": "text", "text": "No. {{number}}", "flex": 3}],
        },
        "footer": {
            "type": "box",
            "layout": "vertical",
            "contents": [
                {
                    "type": "button",
                    "action": {"type": "uri", "label": "Go", "uri": "https://a.example/{{number}}"},
                }
            ],
        },
    },
}


def spec(**forms: Any) -> dict[str, Any]:
    """A template with these forms; a form that is None is left out."""
    base = {"name": "shipped", "channel": "c1", "use_case": "delivery", "parameters": PARAMETERS}
    return copy.deepcopy(base | {key: value for key, value in forms.items() if value is not None})


def compiled(**forms: Any) -> Template:
    return templates.compile(spec(**forms))


def values(**changed: str) -> dict[str, str]:
    return {"date": "2026-08-10", "number": "17", "name": "小明", **changed}


def refused(**forms: Any) -> InvalidTemplate:
    with pytest.raises(InvalidTemplate) as caught:
        templates.compile(spec(**forms))
    assert caught.value.message
    assert "\n" not in caught.value.message
    return caught.value


# Filling.


def test_a_line_template_is_filled_with_its_parameters() -> None:
    template = compiled(line_template=LINE_TEMPLATE)
    assert render_line(template, check_parameters(template, values())) == (
        False,
        {
            "templateKey": "shipment_completed_ja",
            "body": {
                "emphasizedItem": {"itemKey": "date_002_ja", "content": "2026-08-10"},
                "items": [
                    {"itemKey": "number_001_ja", "content": "17"},
                    {"itemKey": "name_010_ja", "content": "100% 小明/17"},
                ],
                "buttons": [{"buttonKey": "check_delivery_status_ja", "url": "https://a.example/t?n=17"}],
            },
        },
    )


def test_flexible_messages_are_filled_wherever_a_string_is() -> None:
    template = compiled(flexible=[FLEX, {"type": "text", "text": "Hello {{name}}"}])
    flexible, payload = render_line(template, check_parameters(template, values()))
    assert flexible
    assert list(payload) == ["messages"]
    assert payload["messages"][0]["altText"] == "小明"
    assert payload["messages"][0]["contents"]["body"]["contents"] == [
        {"type": "text", "text": "No. 17", "flex": 3}
    ]
    assert (
        payload["messages"][0]["contents"]["footer"]["contents"][0]["action"]["uri"] == "https://a.example/17"
    )
    assert payload["messages"][1] == {"type": "text", "text": "Hello 小明"}


def test_the_premade_template_goes_before_the_flexible_messages() -> None:
    both = compiled(line_template=LINE_TEMPLATE, flexible=[FLEX])
    assert both.line_form == "line_template"
    assert render_line(both, values())[0] is False
    assert compiled(flexible=[FLEX]).line_form == "flexible"
    assert compiled(sms="x").line_form is None


def test_push_takes_its_own_messages_and_else_the_flexible_ones() -> None:
    own = compiled(flexible=[FLEX], push=[{"type": "sticker", "packageId": "1", "stickerId": "2"}])
    assert render_push(own, values()) == {
        "messages": [{"type": "sticker", "packageId": "1", "stickerId": "2"}]
    }
    shared = compiled(flexible=[{"type": "text", "text": "{{number}}"}])
    assert render_push(shared, values()) == {"messages": [{"type": "text", "text": "17"}]}


def test_a_form_that_a_template_lacks_is_an_error_that_says_so() -> None:
    with pytest.raises(InvalidTemplate, match="add line_template or flexible"):
        render_line(compiled(sms="x"), {})
    with pytest.raises(InvalidTemplate, match="add sms"):
        render_sms(compiled(flexible=[FLEX]), {})
    with pytest.raises(InvalidTemplate, match="add push or flexible"):
        render_push(compiled(sms="x"), {})


def test_a_template_without_parameters_is_sent_as_it_stands() -> None:
    fixed = {"templateKey": "k", "body": {"items": [{"itemKey": "a", "content": "100%s {x}"}]}}
    template = compiled(line_template=fixed, sms="100% {now}", parameters={})
    assert render_line(template, {}) == (False, fixed)
    assert render_sms(template, {}) == "100% {now}"


def test_payloads_are_new_outside_so_that_an_address_added_to_one_is_in_no_other() -> None:
    for forms in (
        {"line_template": LINE_TEMPLATE},
        {"flexible": [FLEX]},
        {"line_template": {"templateKey": "k"}},
    ):
        template = compiled(**forms)
        render_line(template, values())[1]["to"] = "a"
        assert "to" not in render_line(template, values())[1]


@given(
    st.text(min_size=1, max_size=20),
    st.sampled_from(["{{number}}", "{{", "}}", "%(number)s", "%s", "\\1", ""]),
)
def test_values_are_shown_as_they_are_whatever_they_hold(text: str, trick: str) -> None:
    template = compiled(sms="<{{name}}|{{number}}>", flexible=[FLEX])
    filled = {"name": text + trick, "number": "17", "date": "1"}
    assert render_sms(template, filled) == f"<{text}{trick}|17>"
    message = render_line(template, filled)[1]["messages"][0]
    assert message["altText"] == text + trick
    assert set(message) == set(FLEX)


@settings(deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-9, 9)
        | st.text("abc%{} é😀", max_size=8)
        | st.sampled_from(["{{name}}", "a {{number}} b {{name}}", "100%{{ date }}"]),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", max_size=3), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_filling_equals_replacing_in_the_json(tree: Any) -> None:
    filled = values()

    def replaced(node: Any) -> Any:
        if isinstance(node, str):
            for name in ("date", "number", "name"):
                node = node.replace(f"{{{{{name}}}}}", f"\0{name}").replace(f"{{{{ {name} }}}}", f"\0{name}")
            for name in ("date", "number", "name"):
                node = node.replace(f"\0{name}", filled[name])
            return node
        if isinstance(node, dict):
            return {key: replaced(child) for key, child in node.items()}
        return [replaced(child) for child in node] if isinstance(node, list) else node

    message = {"type": "text", "text": "x", "extra": tree}
    try:
        template = compiled(flexible=[message])
    except InvalidTemplate:
        assert "{{" in json.dumps(tree) or "}}" in json.dumps(tree)
        return
    assert render_line(template, filled) == (True, {"messages": [replaced(message)]})


# Templates that can't be stored.


@pytest.mark.parametrize(
    ("forms", "pointer"),
    [
        ({"sms": "{{nme}}"}, "/sms"),
        ({"sms": "{{name"}, "/sms"),
        ({"sms": "name}}"}, "/sms"),
        ({"sms": "{{{name}}}"}, "/sms"),
        ({"sms": "{{}}"}, "/sms"),
        ({"flexible": [{"type": "text", "text": "{{x}}"}]}, "/flexible/0/text"),
        ({"flexible": [{"type": "text", "text": "a", "a/b~c": ["{{x}}"]}]}, "/flexible/0/a~1b~0c/0"),
        ({"flexible": [{"type": "text", "text": "a", "{{name}}": 1}]}, "/flexible/0"),
        ({}, ""),
        ({"sms": " "}, "/sms"),
        ({"sms": ["x"]}, "/sms"),
        ({"sms": "a\x00b"}, "/sms"),
        ({"sms": "a\u202eb"}, "/sms"),
        ({"sms": "a\ud800b"}, "/sms"),
        ({"sms": "您" * 671}, "/sms"),
        ({"sms": "x", "name": ""}, "/name"),
        ({"sms": "x", "use_case": 3}, "/use_case"),
        ({"sms": "x", "languages": ["klingon!"]}, "/languages/0"),
        ({"sms": "x", "line_templates": {}}, "/line_templates"),
        ({"sms": "x", "parameters": []}, "/parameters"),
        ({"sms": "x", "parameters": {"a b": {"type": "text", "example": "x"}}}, "/parameters/a b"),
        ({"sms": "x", "parameters": {"a": "text"}}, "/parameters/a"),
        ({"sms": "x", "parameters": {"a": {"type": "colour", "example": "x"}}}, "/parameters/a/type"),
        ({"sms": "x", "parameters": {"a": {"type": "text"}}}, "/parameters/a/example"),
        ({"sms": "x", "parameters": {"a": {"type": "date", "example": "soon"}}}, "/parameters/a/example"),
        (
            {"sms": "x", "parameters": {"a": {"type": "text", "example": "xyz", "max": 2}}},
            "/parameters/a/example",
        ),
        ({"sms": "x", "parameters": {"a": {"type": "text", "example": "x", "max": 0}}}, "/parameters/a/max"),
        ({"sms": "x", "parameters": {"a": {"type": "text", "example": "x", "min": 0}}}, "/parameters/a"),
        (
            {"sms": "x", "parameters": {f"p{n}": {"type": "text", "example": "x"} for n in range(51)}},
            "/parameters",
        ),
        ({"sms": "{{name}}" * 201}, "/sms"),
        ({"flexible": []}, "/flexible"),
        ({"flexible": [{"type": "text", "text": "x"}] * 6}, "/flexible"),
        ({"flexible": {"type": "text", "text": "x"}}, "/flexible"),
        ({"flexible": ["x"]}, "/flexible/0"),
        ({"flexible": [{"type": "image", "originalContentUrl": "https://a.example/i"}]}, "/flexible/0/type"),
        ({"flexible": [{"type": "video"}]}, "/flexible/0/type"),
        ({"flexible": [{"type": "audio"}]}, "/flexible/0/type"),
        ({"flexible": [{"type": "{{name}}", "text": "x"}]}, "/flexible/0/type"),
        ({"flexible": [{"type": "text", "text": ""}]}, "/flexible/0/text"),
        ({"flexible": [{"type": "text", "text": "x" * 5001}]}, "/flexible/0/text"),
        ({"flexible": [{"type": "text", "text": "😀" * 2501}]}, "/flexible/0/text"),
        ({"flexible": [FLEX | {"altText": "x" * 1501}]}, "/flexible/0/altText"),
        ({"flexible": [FLEX | {"contents": {"type": "box"}}]}, "/flexible/0/contents/type"),
        ({"flexible": [FLEX | {"contents": {"type": "bubble", "x": "y" * 30720}}]}, "/flexible/0/contents"),
        ({"flexible": [{"type": "text", "text": "x", "y": "z" * 66_000}]}, ""),
        ({"push": [{"type": "hologram"}]}, "/push/0/type"),
    ],
)
def test_a_wrong_template_is_refused_with_the_place(forms: dict[str, Any], pointer: str) -> None:
    assert refused(**forms).pointer == pointer


def body(**changed: Any) -> dict[str, Any]:
    return {"templateKey": "k", "body": changed}


def items(count: int, content: str = "x") -> list[dict[str, str]]:
    return [{"itemKey": f"i{n}", "content": content} for n in range(count)]


def button(url: str, key: str = "b") -> dict[str, str]:
    return {"buttonKey": key, "url": url}


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        ({}, "/templateKey"),
        ({"templateKey": "{{name}}"}, "/templateKey"),
        ({"templateKey": "k", "to": "x"}, "/to"),
        ({"templateKey": "k", "body": []}, "/body"),
        (body(footer=1), "/body/footer"),
        (body(emphasizedItem={"itemKey": "a", "content": "x" * 16}), "/body/emphasizedItem/content"),
        (
            body(emphasizedItem={"itemKey": "a", "content": "x" * 15 + "{{name}}"}),
            "/body/emphasizedItem/content",
        ),
        (body(emphasizedItem={"itemKey": "a"}), "/body/emphasizedItem/content"),
        (body(emphasizedItem={"itemKey": "i0", "content": "x"}, items=items(1)), "/body/items/0/itemKey"),
        (body(items=items(1) * 2), "/body/items/1/itemKey"),
        (body(items=items(16)), "/body/items"),
        (body(items=items(2, "x" * 301)), "/body/items/0/content"),
        (body(items=[{"itemKey": "a", "content": 5}]), "/body/items/0/content"),
        (body(items=[{"itemKey": "a", "content": "x", "label": "y"}]), "/body/items/0/label"),
        (body(buttons=[button("https://a.example")] * 2), "/body/buttons/1/buttonKey"),
        (body(buttons=[button("https://a.example", str(n)) for n in range(3)]), "/body/buttons"),
        (body(buttons=[button("https://a.example/" + "x" * 1000)]), "/body/buttons/0/url"),
        (body(buttons=[button("javascript:alert(1)")]), "/body/buttons/0/url"),
        (body(buttons=[button("https://good.example@evil.example/")]), "/body/buttons/0/url"),
        (body(buttons=[button("https://a.example/小")]), "/body/buttons/0/url"),
    ],
)
def test_a_premade_template_keeps_lines_limits(form: dict[str, Any], pointer: str) -> None:
    assert refused(line_template=form).pointer == "/line_template" + pointer


def test_what_is_exactly_at_the_limits_is_taken() -> None:
    compiled(
        line_template=body(
            emphasizedItem={"itemKey": "e", "content": "x" * 15},
            items=items(15, "x" * 300),
            buttons=[button("https://a.example/" + "x" * 982, key) for key in "ab"],
        ),
        flexible=[{"type": "text", "text": "😀" * 2500}] * 2 + [FLEX | {"altText": "x" * 1500}],
        sms="您" * 670,
    )
    compiled(sms="a" * 1530)


def test_an_example_that_breaks_a_limit_is_refused_at_the_example() -> None:
    error = refused(
        line_template=LINE_TEMPLATE,
        parameters={**PARAMETERS, "date": {"type": "date", "example": "Saturday, 10 August 2024"}},
    )
    assert error.pointer == "/parameters/date/example"


def test_a_parameter_may_be_declared_and_not_used() -> None:
    assert set(compiled(sms="x").parameters) == {"date", "number", "name"}


def test_hostile_nesting_is_refused_and_not_followed() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    base = {"name": "a", "use_case": "b", "flexible": [{"type": "text", "text": "x", "deep": deep}]}
    with pytest.raises(InvalidTemplate, match="deeper than 32"):
        templates.compile(base)


@pytest.mark.parametrize(
    "what", [None, [], "x", 3, {1: 2}, {"name": {1}}, {"name": float("nan")}, {"name": 2**70}]
)
def test_what_is_no_json_object_is_refused(what: Any) -> None:
    with pytest.raises(InvalidTemplate):
        templates.compile(what)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["name", "use_case", "parameters", "line_template", "flexible", "push", "sms", "languages"]
        ),
        st.recursive(
            st.none() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["type", "text", "body", "items", "templateKey", "a"]), inner
                )
            ),
            max_leaves=8,
        ),
    )
)
def test_any_json_either_compiles_or_is_an_invalid_template(what: dict[str, Any]) -> None:
    with suppress(InvalidTemplate):  # nothing else may come out
        assert templates.compile(what).forms


# Parameters.


def problems_of(template: Template, parameters: Any) -> dict[str, str]:
    with pytest.raises(InvalidParameters) as caught:
        check_parameters(template, parameters)
    assert caught.value.pointer == caught.value.problems[0][0]
    return dict(caught.value.problems)


def test_all_problems_are_told_at_once() -> None:
    found = problems_of(compiled(sms="x"), {"date": "soon", "name": "x" * 21, "colour": "red", "size": "L"})
    assert list(found) == [
        "/parameters/date",
        "/parameters/number",
        "/parameters/name",
        "/parameters/colour",
        "/parameters/size",
    ]
    assert "is missing" in found["/parameters/number"]
    assert "21 characters, 20 are allowed" in found["/parameters/name"]
    assert "date, number, name" in found["/parameters/colour"]


def test_values_stand_in_no_message() -> None:
    for parameters in (values(date="secretive"), values(name="secretive " * 9), values(name="secretive\x07")):
        assert "secretive" not in str(problems_of(compiled(sms="x"), parameters))


def test_numbers_are_taken_as_texts() -> None:
    template = compiled(sms="{{name}} {{number}} {{date}}")
    assert check_parameters(template, {"name": 12.5, "number": 1280, "date": 20260810}) == {
        "date": "20260810",
        "number": "1280",
        "name": "12.5",
    }
    assert check_parameters(template, values(number=3.0))["number"] == "3"  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [True, None, [], {}, float("nan"), float("inf"), 1e300, 10**40, ""])
def test_what_is_neither_string_nor_plain_number_is_refused(value: Any) -> None:
    assert list(problems_of(compiled(sms="x"), {**values(), "number": value})) == ["/parameters/number"]


@pytest.mark.parametrize("parameters", [None, [], "x", 3])
def test_parameters_must_be_an_object(parameters: Any) -> None:
    assert list(problems_of(compiled(sms="x"), parameters)) == ["/parameters"]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            "text",
            ["x", "a\nb", "林", "{{name}}", "\u200f\u200e."],
            [" ", "\x1b[0m", "a\tb", "\u202ex", "\ud83d", "x" * 5001],
        ),
        (
            "number",
            ["0", "-3", "1,280", "12.5", "4711-0815", "0912 345"],
            ["x", "A1", "1-", "--1", "1e5", "1\n2"],
        ),
        (
            "amount",
            ["1280", "NT$1,280", "¥1,200", "1,200円", "฿100.50", "TWD 5", "-5"],
            ["free", "1 2", "1.2.3", "$"],
        ),
        (
            "date",
            [
                "2026-08-10",
                "2026年8月10日(月)",
                "8/10",
                "10 ส.ค. 2569",
                "2567-02-29",
                "2024/2/29",
                "20260810",
            ],
            [
                "soon",
                "2026-13-01",
                "2026-02-30",
                "2023年2月29日",
                "2568-02-29",
                "13月1日",
                "8月32日",
                "2026-08-10\n",
            ],
        ),
        (
            "time",
            ["14:00", "9:05", "14:00～16:00", "午後2時", "24:00"],
            ["noon", "25:00", "12:60", "12:00\n"],
        ),
        (
            "datetime",
            ["2026-08-10 14:00", "8月10日 14:30", "2026-08-10T14:00:00Z"],
            ["2026-08-32 14:00", "8月10日 26:00"],
        ),
        (
            "url",
            [
                "https://a.example",
                "http://a.example:8080/x?y=1#z",
                "line://app/1-a",
                "https://liff.line.me/1-a",
            ],
            [
                "a.example",
                "ftp://a",
                "javascript:1",
                "https://u@a.example",
                "https://a b",
                "https://a/小",
                "https://a/\n",
            ],
        ),
    ],
)
def test_types_take_what_people_write_and_refuse_what_is_something_else(
    kind: str, good: list[str], bad: list[str]
) -> None:
    template = templates.compile(spec(sms="x", parameters={"p": {"type": kind, "example": good[0]}}))
    for value in good:
        assert check_parameters(template, {"p": value}) == {"p": value}
    for value in bad:
        assert list(problems_of(template, {"p": value})) == ["/parameters/p"], value


def test_a_value_that_breaks_lines_limit_is_refused_when_it_is_filled_in() -> None:
    template = compiled(line_template=LINE_TEMPLATE)
    assert check_parameters(template, values(date="2026年12月30日(水)1"))  # 15
    found = problems_of(template, values(date="2026年12月30日(水)12"))
    assert list(found) == ["/parameters/date"]
    assert "/line_template/body/emphasizedItem/content has 16, at most 15" in found["/parameters/date"]


@settings(max_examples=150, deadline=None)
@given(
    st.text("a😀林", min_size=1, max_size=12),
    st.text("a😀", min_size=1, max_size=12),
    st.integers(0, 13),
)
def test_filled_length_decides_in_utf16_units(first: str, second: str, fixed: int) -> None:
    texts = {name: {"type": "text", "example": "x"} for name in "pq"}
    content = "x" * fixed + "{{p}}{{q}}"
    template = compiled(
        parameters=texts, line_template=body(emphasizedItem={"itemKey": "a", "content": content})
    )
    filled = "x" * fixed + first + second
    try:
        check_parameters(template, {"p": first, "q": second})
    except InvalidParameters:
        assert utf16_length(filled) > 15
    else:
        assert utf16_length(filled) <= 15


def test_a_flex_message_that_grows_beyond_a_bubble_is_refused() -> None:
    texts = {"p": {"type": "text", "example": "x"}}
    box = {"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": "{{p}}"}] * 7}
    template = compiled(
        parameters=texts, flexible=[FLEX | {"altText": "x", "contents": {"type": "bubble", "body": box}}]
    )
    assert check_parameters(template, {"p": "x" * 4000})
    assert check_parameters(template, {"p": "林" * 1300})
    for count in (1500, 2000, 4000):  # three bytes each, seven times
        assert "bytes" in problems_of(template, {"p": "林" * count})["/parameters/p"]


def test_a_flex_carousel_keeps_the_limits_of_the_whole_and_of_each_bubble() -> None:
    def carousel(*sizes: int) -> dict[str, Any]:
        body = {"type": "box", "layout": "vertical", "contents": []}
        bubbles = [{"type": "bubble", "body": body, "x": "y" * size} for size in sizes]
        return FLEX | {"altText": "x", "contents": {"type": "carousel", "contents": bubbles}}

    compiled(flexible=[carousel(24_000, 26_000)])
    assert refused(flexible=[carousel(26_000, 26_000)]).pointer == "/flexible/0/contents"
    assert refused(flexible=[carousel(1, 31_000)]).pointer == "/flexible/0/contents/contents/1"
    assert refused(flexible=[carousel(*[1] * 13)]).pointer == "/flexible/0/contents/contents"


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ({"type": "uri", "uri": "javascript:alert(1)"}, "uri"),
        ({"type": "uri", "uri": "https://a.example/" + "x" * 983}, "uri"),
        ({"type": "postback", "data": "x" * 301}, "data"),
    ],
)
def test_an_action_anywhere_in_a_message_keeps_its_limits(action: dict[str, str], field: str) -> None:
    good = {"uri": "tel:0223456789", "data": "x" * 300}[field]
    for place in ("contents", "quickReply"):
        message = {"type": "text", "text": "x", place: [{"deep": {"action": action}}]}
        assert refused(flexible=[message]).pointer == f"/flexible/0/{place}/0/deep/action/{field}"
        compiled(
            flexible=[{"type": "text", "text": "x", place: [{"deep": {"action": {**action, field: good}}}]}]
        )


def test_an_sms_may_fill_ten_parts_in_either_alphabet() -> None:
    template = compiled(parameters={"p": {"type": "text", "example": "x"}}, sms="{{p}}")
    assert check_parameters(template, {"p": "a" * 1530})
    assert check_parameters(template, {"p": "您" * 670})
    assert list(problems_of(template, {"p": "a" * 1531})) == ["/parameters/p"]
    assert list(problems_of(template, {"p": "您" * 671})) == ["/parameters/p"]


def test_an_address_put_together_must_be_an_address() -> None:
    texts = {"p": {"type": "text", "example": "x"}}
    template = compiled(parameters=texts, line_template=body(buttons=[button("https://a.example/{{p}}")]))
    assert check_parameters(template, {"p": "t/1?x=%20"})
    for value in ("a b", "林", "x\ny", 'x"y'):
        assert "percent-encode" in problems_of(template, {"p": value})["/parameters/p"]


def test_the_texts_of_a_template_are_listed_for_the_content_check() -> None:
    template = compiled(sms="Hello {{name}}", line_template=LINE_TEMPLATE)
    listed = {text.pointer: (text.text, text.names) for text in template.texts}
    assert listed["/sms"] == ("Hello {{name}}", ("name",))
    assert listed["/line_template/body/items/1/content"] == ("100% {{ name }}/{{number}}", ("name", "number"))


def test_thousands_of_open_braces_are_refused_at_once() -> None:
    began = time.process_time()
    for text in ("{{" * 30_000, "{{a" * 20_000, "{" * 60_000, "{{" + "a" * 60_000):
        with pytest.raises(InvalidTemplate, match=r"Braces|not declared"):
            templates.compile({"name": "n", "use_case": "delivery", "sms": text})
    assert time.process_time() - began < 1


def test_a_value_that_nobody_can_see_is_no_value() -> None:
    template = templates.compile({
        "name": "n", "use_case": "delivery", "sms": "{{x}}", "parameters": {"x": {"type": "text", "example": "x"}}
    })  # fmt: skip
    for unseen in ("\u200b", "\u200d\ufeff \n", "\u2060" * 50):
        with pytest.raises(InvalidParameters, match="holds nothing that can be seen"):
            check_parameters(template, {"x": unseen})
    assert check_parameters(template, {"x": "ขอบคุณ\u200bครับ"})
