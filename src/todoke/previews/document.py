"""What a preview shows, as data: a template's texts by language and step, as they reach a phone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

import line_catalogue
from line_catalogue import looks
from todoke.core.errors import InvalidParameters
from todoke.core.languages import tag_of
from todoke.core.routing import Step
from todoke.core.sms_text import segments
from todoke.core.template import (
    EXAMPLE_LINK,
    Template,
    check_parameters,
    in_language,
    render_line,
    render_push,
    render_sms,
    with_link,
)
from todoke.core.template_values import cleaned
from todoke.previews.shapes import Preview, Section, Sender, Shown, Viewer
from todoke.previews.words import LANGUAGES as CAPTIONS
from todoke.reports.prices import CATALOGUE, Prices, amount

STEPS = (Step.LINE_NOTIFICATION, Step.LINE_PUSH, Step.SMS)
"""Those that have a look: what the business's own system makes of a callback is its own."""
VIEWERS: tuple[Viewer, ...] = ("friend", "non_friend")
_PHONE_WORDS = (
    "badge.grey", "badge.blue", "badge.green", "stranger.text", "stranger.add", "stranger.block",
    "system_received.title", "system_received.text", "chat.line",
)  # fmt: skip
_MOST_LINKS = 20


def preview(
    template: Template,
    sender: Sender,
    parameters: Mapping[str, Any] | None = None,
    *,
    language: str | None = None,
    steps: Collection[str] = STEPS,
    viewers: Collection[Viewer] = VIEWERS,
    version: int | None = None,
    prices: Prices = CATALOGUE,
    carrier: str | None = None,
    labels: Mapping[str, str] | None = None,
    link: str = EXAMPLE_LINK,
    captions: str = "en",
) -> Preview:
    """How `template` looks, filled with `parameters`, or with its examples.

    `language`: one of the template's; all of them where left out. `carrier`: the SMS carrier whose price counts.
    `labels`: what LINE shows for granted keys. `link`: a bind link. Raises InvalidParameters, also for a language that
    the template is not written in.
    """
    maker = _Maker(sender, prices, carrier, labels or {})
    sections = []
    for tag in _languages(template, sender.country, language):
        spoken = in_language(template, tag)
        filled = with_link(spoken, _values(spoken, parameters), link)
        sections.append(maker.section(spoken, filled, tag, steps, viewers))
    return Preview(
        template=template.name,
        version=version,
        use_case=template.use_case,
        sender=_fit(sender),
        captions=captions if captions in CAPTIONS else "en",
        examples=parameters is None,
        sections=tuple(sections),
    )


def _values(template: Template, given: Mapping[str, Any] | None) -> dict[str, str]:
    if given is None:
        given = {name: each.example for name, each in template.parameters.items()}
    return check_parameters(template, given)


def _fit(sender: Sender) -> Sender:
    """Without what must not stand in a text: halves of characters, marks that turn the order of others around."""
    other = sender.sms_sender
    return msgspec.structs.replace(
        sender, name=cleaned(sender.name), sms_sender=None if other is None else cleaned(other)
    )


def languages_of(template: Template, country: str) -> tuple[str, ...]:
    """The languages that a preview has: the template's, its own first; that of the country where it names none."""
    known = line_catalogue.countries().get(country)
    own = template.language or (known.language if known else "en")
    return (own, *(tag for tag in template.languages if tag != own))


def _languages(template: Template, country: str, asked: str | None) -> tuple[str, ...]:
    known = languages_of(template, country)
    if asked is None:
        return known
    tag = tag_of(asked)
    if tag not in known:
        raise InvalidParameters(
            f"{template.name} is not written in {asked[:40]!r}, but in {', '.join(known)}", ""
        )
    return (tag,)


def phone_language(tag: str) -> str:
    """The phone's own language nearest to a language tag: zh-Hant, zh-Hans, ja, th, en."""
    first, *rest = tag.lower().split("-")
    if first == "zh":
        return "zh-Hans" if {"hans", "cn", "sg", "my"} & set(rest) else "zh-Hant"
    return first if first in ("ja", "th") else "en"


@cache
def _phone_words(language: str) -> dict[str, str]:
    """This project's own words, as on the emulator's phone."""
    table = msgspec.json.decode((looks.folder() / "phone" / "texts.json").read_bytes())
    return {key: table[key].get(language) or table[key]["en"] for key in _PHONE_WORDS}


class _Maker:
    """Makes the sections of one preview."""

    def __init__(
        self, sender: Sender, prices: Prices, carrier: str | None, labels: Mapping[str, str]
    ) -> None:
        self._sender = sender
        self._prices = prices
        self._carrier = carrier
        self._labels = labels

    def section(
        self,
        template: Template,
        filled: dict[str, str],
        tag: str,
        steps: Collection[str],
        viewers: Collection[Viewer],
    ) -> Section:
        """`template` is in the language of `tag`."""
        phone = phone_language(tag)
        return Section(
            language=tag,
            lang="zh-Hant-TW" if tag == "zh-Hant" else tag,
            phone=phone,
            label=line_catalogue.label(phone),
            shown=tuple(self._shown(template, filled, steps, viewers)),
            phone_words=_phone_words(phone),
        )

    def _shown(
        self, template: Template, filled: dict[str, str], steps: Collection[str], viewers: Collection[Viewer]
    ) -> Iterator[Shown]:
        """Steps first, so that they stand beside each other; then what else comes with them."""
        notified = Step.LINE_NOTIFICATION in steps and template.line_form is not None
        notices = [self._notification(template, filled, v) for v in VIEWERS if notified and v in viewers]
        yield from notices[:1]
        # A push reaches friends only.
        if Step.LINE_PUSH in steps and template.push_form is not None and "friend" in viewers:
            yield self._push(template, filled)
        if Step.SMS in steps and "sms" in template.forms:
            yield self._sms(template, filled)
        yield from notices[1:]
        if notices:
            yield Shown(step="system")

    def _notification(self, template: Template, filled: dict[str, str], viewer: Viewer) -> Shown:
        flexible, payload = render_line(template, filled)
        price = self._price(Step.LINE_NOTIFICATION)
        if flexible:
            return _of_messages(Step.LINE_NOTIFICATION, "flexible", viewer, payload["messages"], price)
        key, body = payload["templateKey"], payload.get("body") or {}
        buttons = body.get("buttons") or []
        notification = {
            "template_key": key,
            "title": self._label(key) or "",
            "body": body,
            "labels": {k: label for k in _keys(body) if (label := self._label(k)) is not None},
        }
        return Shown(
            step=Step.LINE_NOTIFICATION,
            form="line_template",
            viewer=viewer,
            notification=notification,
            leads_to=[(self._label(b["buttonKey"]) or b["buttonKey"], b["url"]) for b in buttons],
            price=price,
        )

    def _push(self, template: Template, filled: dict[str, str]) -> Shown:
        messages = render_push(template, filled)["messages"]
        price = self._price(Step.LINE_PUSH)
        return _of_messages(Step.LINE_PUSH, template.push_form, "friend", messages, price)

    def _sms(self, template: Template, filled: dict[str, str]) -> Shown:
        text = render_sms(template, filled)
        size = segments(text)
        return Shown(
            step=Step.SMS,
            form="sms",
            text=text,
            encoding=size.encoding.value,
            units=size.units,
            segments=size.segments,
            price=self._price(Step.SMS, size.segments),
        )

    def _price(self, step: Step, units: int = 1) -> dict[str, Any] | None:
        carrier = self._carrier if step is Step.SMS else None
        known = self._prices.of(self._sender.country, step, carrier)
        return None if known is None else amount(known, units)

    def _label(self, key: str) -> str | None:
        """What stands for a key: the account's own list, else this project's reading of a published key."""
        return self._labels.get(key) or line_catalogue.key_label(key)


def _of_messages(
    step: Step, form: str | None, viewer: Viewer, messages: Sequence[Any], price: dict[str, Any] | None
) -> Shown:
    alt = messages[0].get("altText")
    return Shown(
        step=step,
        form=form,
        viewer=viewer,
        messages=messages,
        alt=alt if isinstance(alt, str) else None,
        leads_to=_links(messages),
        price=price,
    )


def _keys(body: Mapping[str, Any]) -> list[str]:
    """Of all items and buttons."""
    items = [*([body["emphasizedItem"]] if body.get("emphasizedItem") else []), *(body.get("items") or [])]
    return [i["itemKey"] for i in items] + [b["buttonKey"] for b in body.get("buttons") or []]


def _links(node: Any) -> list[tuple[str, str]]:
    """Labels and addresses of all actions inside messages, each pair once, in their order."""
    found: dict[tuple[str, str], None] = {}
    left = [node]
    while left and len(found) < _MOST_LINKS:
        at = left.pop()
        if isinstance(at, dict):
            uri = at.get("uri") or at.get("linkUri")
            if isinstance(uri, str):
                label = at.get("label")
                found[label if isinstance(label, str) else "", uri] = None
            left += reversed(list(at.values()))
        elif isinstance(at, list):
            left += reversed(at)
    return list(found)
