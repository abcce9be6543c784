"""`{{bind_link}}` in templates: nobody declares it or hands it in, and its length counts wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

from todoke.core.errors import InvalidParameters, InvalidTemplate
from todoke.core.sms_text import segments
from todoke.core.template import (
    EXAMPLE_LINK,
    check_parameters,
    compile,
    render_line,
    render_push,
    render_sms,
    with_link,
)
from todoke.core.template_values import LINK_ROOM

LINK = "https://n.example/b/" + "k" * 32
NAME = {"name": {"type": "text", "example": "王小明", "max": 20}}


def template(**forms: Any) -> dict[str, Any]:
    return {"name": "parcel", "use_case": "delivery", "parameters": NAME, **forms}


def bubble(uri: str, text: str = "{{name}}") -> dict[str, Any]:
    action = {"type": "uri", "label": "Connect", "uri": uri}
    body = [{"type": "text", "text": text}, {"type": "button", "action": action}]
    contents = {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": body}}
    return {"type": "flex", "altText": "Your parcel", "contents": contents}


def test_it_is_filled_in_every_form_that_has_it() -> None:
    made = compile(
        template(
            sms="{{name}}: {{bind_link}}",
            push=[{"type": "text", "text": "Connect: {{ bind_link }}"}],
            flexible=[bubble("{{bind_link}}")],
        )
    )
    assert made.links == {"sms", "push", "flexible"}
    given = check_parameters(made, {"name": "Lin"})
    assert given == {"name": "Lin"}
    filled = with_link(made, given, LINK)
    assert render_sms(made, filled) == f"Lin: {LINK}"
    assert render_push(made, filled)["messages"][0]["text"] == f"Connect: {LINK}"
    flexible, payload = render_line(made, filled)
    assert flexible
    assert LINK in str(payload)


def test_it_may_be_the_address_of_a_templates_button() -> None:
    made = compile(
        template(
            line_template={
                "templateKey": "k",
                "body": {
                    "items": [{"itemKey": "i", "content": "{{name}}"}],
                    "buttons": [{"buttonKey": "b", "url": "{{bind_link}}"}],
                },
            },
            sms="{{name}}",
        )
    )
    assert made.links == {"line_template"}
    _, payload = render_line(made, with_link(made, {"name": "Lin"}, LINK))
    assert payload["body"]["buttons"][0]["url"] == LINK


def test_an_item_of_a_template_can_not_be_tapped_so_it_is_refused_there() -> None:
    body = {"items": [{"itemKey": "i", "content": "{{bind_link}}"}]}
    with pytest.raises(InvalidTemplate, match="button") as caught:
        compile(template(line_template={"templateKey": "k", "body": body}))
    assert caught.value.pointer == "/line_template/body/items/0/content"


def test_a_template_that_declares_it_is_told_to_take_it_out() -> None:
    declared = {**NAME, "bind_link": {"type": "url", "example": "https://x.example"}}
    with pytest.raises(InvalidTemplate, match="filled in by Todoke") as caught:
        compile({**template(sms="{{bind_link}}"), "parameters": declared})
    assert caught.value.pointer == "/parameters/bind_link"


@pytest.mark.parametrize("sms", ["{{name}} {{bind_link}}", "{{name}}"])
def test_a_caller_who_hands_it_in_is_told_to_leave_it_out(sms: str) -> None:
    made = compile(template(sms=sms))
    with pytest.raises(InvalidParameters, match="leave it out") as caught:
        check_parameters(made, {"name": "Lin", "bind_link": "https://evil.example"})
    assert caught.value.pointer == "/parameters/bind_link"


def test_a_template_without_it_is_filled_as_before() -> None:
    made = compile(template(sms="{{name}}"))
    given = check_parameters(made, {"name": "Lin"})
    assert made.links == frozenset()
    assert with_link(made, given, LINK) is given


def test_a_value_that_looks_like_it_stays_a_value() -> None:
    made = compile(template(sms="{{name}} {{bind_link}}"))
    given = check_parameters(made, {"name": "{{bind_link}}"})
    assert render_sms(made, with_link(made, given, LINK)) == "{{bind_link}} " + LINK


def test_room_for_the_longest_address_is_kept_free_where_a_limit_holds() -> None:
    limit = 1000
    fits = "https://x.example/?u={{bind_link}}" + "x" * (limit - LINK_ROOM - 21)
    compile(template(push=[bubble(fits)]))
    with pytest.raises(InvalidTemplate, match=f"{limit + 1}, at most {limit}"):
        compile(template(push=[bubble(fits + "x")]))


def test_the_room_counts_beside_parameters_and_the_parameter_gets_the_blame() -> None:
    declared = {"name": {"type": "text", "example": "x"}}
    made = compile(
        {
            **template(push=[bubble("https://x.example/{{name}}?u={{bind_link}}", "hi")]),
            "parameters": declared,
        }
    )
    check_parameters(made, {"name": "x" * (1000 - LINK_ROOM - 21)})
    with pytest.raises(InvalidParameters) as caught:
        check_parameters(made, {"name": "x" * (1000 - LINK_ROOM - 20)})
    assert caught.value.pointer == "/parameters/name"


def test_a_flex_bubble_counts_it_too() -> None:
    text = "x" * 29_700
    compile(template(push=[bubble("https://x.example/?" + "x" * 7, text)]))
    with pytest.raises(InvalidTemplate, match="a Flex bubble is too long"):
        compile(template(push=[bubble("https://x.example/?" + "{{bind_link}}" * 7, text)]))


def test_the_segments_of_an_sms_are_those_of_the_filled_text() -> None:
    made = compile(template(sms="{{name}}" + "你" * 40 + "{{bind_link}}"))
    filled = render_sms(made, with_link(made, {"name": "林"}, EXAMPLE_LINK))
    assert segments(filled).segments == 2
    assert len(EXAMPLE_LINK) <= LINK_ROOM


def test_it_can_not_stand_in_a_type_or_in_the_name_of_a_field() -> None:
    with pytest.raises(InvalidTemplate):
        compile(template(push=[{"type": "{{bind_link}}", "text": "x"}]))
    with pytest.raises(InvalidTemplate):
        compile(template(push=[{"type": "text", "text": "x", "{{bind_link}}": "y"}]))
