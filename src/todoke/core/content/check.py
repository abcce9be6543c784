"""The whole content check of one account: the rules for text and all other checks, over a text, a template or values.

A template's fixed text is checked once per version; of each notice only the values are, by `ValuesCheck`, which is made
once per template and says of most values in a few microseconds that nothing is the matter.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from todoke.core.content.codes import finding, is_hard
from todoke.core.content.data import CheckData
from todoke.core.content.finding import Finding, Severity
from todoke.core.content.lengths import check_line_template, check_messages, check_sms
from todoke.core.content.limits import LimitCheck
from todoke.core.content.links import AllowedDomain, LinkCheck
from todoke.core.content.note import NoteCheck, script_of
from todoke.core.content.personal import PersonalCheck
from todoke.core.content.places import (
    LOADED,
    SHOWN,
    SPOKEN,
    TAPPED,
    field_of,
    form_of,
    variant_pointer,
    without_holes,
)
from todoke.core.content.text import Checker
from todoke.core.content.timing import Timing, moment_of
from todoke.core.content.values import ValuesCheck
from todoke.core.errors import InvalidParameters
from todoke.core.template import (
    Template,
    check_parameters,
    in_language,
    render_sms,
    texts_by_language,
    with_link,
)
from todoke.core.template_parameters import example_pointer
from todoke.core.template_reader import Text
from todoke.core.template_values import FORBIDDEN, HOLE, Parameter

_WORDLESS = re.compile(r"[0-9\s./:,()#*-]*")
MOST = 200
"""Findings of one template."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beside a template."""

    country: str | None = None
    """Of the channel: TW, TH, JP."""
    no_verification: bool = False
    """It is applied for in no-phone-verification mode."""
    timing: Timing = Timing.NONE
    urgent: bool = True
    """By its use case, SMS follows LINE in less than a day."""


class ContentCheck:
    """Everything that is looked for in one account's contents. `version` names rules and settings together."""

    def __init__(
        self,
        checkers: Sequence[Checker],
        data: CheckData,
        *,
        allowed: Sequence[AllowedDomain] = (),
        off: Iterable[str] = (),
        version: str = "",
    ) -> None:
        """`checkers`: with the rules for text, those that come with Todoke and the account's own.

        `off`: codes that the account has switched off; hard ones stay on.
        """
        self.data = data
        self.version = version
        self.checkers = tuple(checkers)
        self.links = LinkCheck(data.links, allowed)
        self._limits = LimitCheck(data.limits)
        self._notes = NoteCheck(data.notes)
        self._personal = PersonalCheck(data.personal)
        self._off = frozenset(code for code in off if not is_hard(code))

    def text(
        self,
        text: str,
        *,
        language: str | None = None,
        country: str | None = None,
        use_case: str | None = None,
        pointer: str = "/text",
    ) -> list[Finding]:
        """A text by itself, as a value or a draft. `{{name}}` in it stands for a parameter."""
        found: list[Finding] = []
        if FORBIDDEN.search(text):
            found.append(_control(text, pointer))
        read = without_holes(text)
        found += self._and_links(
            self._words(text, {} if "{{" in text else None, language, country, use_case, pointer),
            self.links.check(read, use_case=use_case, pointer=pointer),
        )
        if use_case is not None:
            found += self._limits.text(text, use_case=use_case, country=country, pointer=pointer)
        found += self._personal.text(text, country=country, pointer=pointer)
        return self.kept(found)

    def template(self, template: Template, about: About) -> list[Finding]:
        """A whole template, in all its languages: errors first, then in the order of the template."""
        found = list(self._use_case(template, about))
        examples = {
            tag: _examples(in_language(template, tag)) for tag in (template.language, *template.variants)
        }
        for language, text in texts_by_language(template):
            found += self._template_text(template, text, language, examples[language], about)
        for tag in (None, *template.variants):
            found += self._forms(in_language(template, tag), tag, about)
        found += self._parameters(template, about)
        found += self._own_domains(template)
        kept = list(dict.fromkeys(self.kept(found)))
        return sorted(kept, key=lambda x: list(Severity).index(x.severity))[:MOST]

    def values(
        self, template: Template, country: str | None, excused: Iterable[tuple[str, str]] = ()
    ) -> ValuesCheck:
        """What checks the values of this template's notices. `excused`: overruled codes, each with its parameter."""
        return ValuesCheck(self, template, country, frozenset(excused))

    def note_lacks(self, template: Template, country: str | None) -> tuple[list[str], str]:
        """What the SMS lacks that a late duplicate needs, and what to add; nothing where there is no SMS."""
        sms = next((text for text in template.texts if form_of(text.pointer) == "sms"), None)
        if sms is None or template.line_form is None:
            return [], ""
        types = [template.parameters[name].type for name in sms.names if name in template.parameters]
        return self._notes.missing(sms.text, types), self._notes.suggestion(
            template.language or SPOKEN.get(country or "") or script_of(sms.text)
        )

    def _own_domains(self, template: Template) -> Iterator[Finding]:
        """Without a list of domains nobody can tell the account's pages from others'."""
        if self.links.has_list:
            return
        for _, text in texts_by_language(template):
            if field_of(text.pointer) in SHOWN | TAPPED | {"url"}:
                hosts = [x.host for x in self.links.find(without_holes(text.text)) if "." in x.host]
                if hosts:
                    yield finding(
                        "link-no-list", text.pointer, hosts[0],
                        "Say which domains are yours (PUT /v1/content-settings): then every other one is found",
                    )  # fmt: skip
                    return

    def is_off(self, code: str) -> bool:
        """Whether the account has switched this kind of finding off."""
        return code in self._off

    def _use_case(self, template: Template, about: About) -> Iterator[Finding]:
        yield from self._limits.note(template.use_case, about.country)
        yield from self._limits.forms(template.use_case, template.forms)
        timed = [name for name, each in template.parameters.items() if each.event]
        if about.timing is not Timing.NONE and not timed:
            yield finding(
                "timing-event", "/parameters", about.timing,
                f'A notice of {about.timing} is held to the time of its event: mark the parameter that tells it '
                '("event": true), or give event_at with each notice',
            )  # fmt: skip
        for name in timed:
            example = template.parameters[name].example
            try:
                moment_of(example, about.country or "")
            except ValueError:
                yield finding(
                    "timing-event", f"/parameters/{name}/example", example,
                    "This is no time of an event: write 2026-08-10 18:30, or give event_at with each notice",
                )  # fmt: skip

    def _template_text(
        self, template: Template, text: Text, language: str | None, examples: Mapping[str, str], about: About
    ) -> Iterator[Finding]:
        field = field_of(text.pointer)
        is_button = field == "url" and form_of(text.pointer) == "line_template"
        if field in LOADED and not is_button:
            yield from self.links.check_asset(without_holes(text.text), pointer=text.pointer)
            return
        if field not in SHOWN and field not in TAPPED and not is_button:
            return
        known = (language, about.country, template.use_case, text.pointer)
        words = self._words(text.text, examples if text.names else None, *known)
        links = self.links.check(without_holes(text.text), use_case=template.use_case, pointer=text.pointer)
        yield from self._and_links(words, links)
        if field in SHOWN:
            yield from self._limits.text(
                text.text, use_case=template.use_case, country=about.country, pointer=text.pointer
            )
            yield from self._personal.text(
                HOLE.sub("{{}}", text.text), country=about.country, pointer=text.pointer, fixed=True
            )

    def _forms(self, template: Template, variant: str | None, about: About) -> Iterator[Finding]:
        """What is to be said of whole forms; of a variant only of those that are its own."""
        node: Mapping[str, object] = template.spec
        base = ""
        if variant is not None:
            base = variant_pointer(template)
            if not base:
                return
            node = template.spec["languages"][base.rpartition("/")[2]]
        if "line_template" in node:
            yield from check_line_template(node["line_template"], f"{base}/line_template")
        for form in ("flexible", "push"):
            if form in node:
                yield from check_messages(node[form], f"{base}/{form}", notification=form == "flexible")
        if node.get("sms") is not None:
            put_in = render_sms(
                template,
                with_link(template, _examples(template), "https://notices.example.com/b/" + "x" * 32),
            )
            yield from check_sms(put_in, f"{base}/sms")
        yield from self._late_notes(template, node, base, about)

    def _late_notes(
        self, template: Template, node: Mapping[str, object], base: str, about: About
    ) -> Iterator[Finding]:
        if template.line_form is None or "sms" not in template.forms:
            return
        for form in ("sms", "flexible"):
            if node.get(form) is None:
                continue
            # A flexible message says it in any of its texts.
            texts = [x for x in template.texts if form_of(x.pointer) == form and field_of(x.pointer) in SHOWN]
            types = [template.parameters[n].type for x in texts for n in x.names if n in template.parameters]
            yield from self._notes.check(
                "\n".join(x.text for x in texts), types,
                language=template.language or SPOKEN.get(about.country or ""),
                pointer=f"{base}/{form}", urgent=about.urgent and form == "sms",
            )  # fmt: skip

    def _parameters(self, template: Template, about: About) -> Iterator[Finding]:
        in_line = frozenset(
            name for each in (template, *template.variants.values()) for text in each.texts for name in text.names
            if form_of(text.pointer) in ("line_template", "flexible")
        )  # fmt: skip
        yield from self._personal.parameters(
            template.parameters, in_line, no_verification=about.no_verification
        )
        for tag in (template.language, *template.variants):
            spoken = in_language(template, tag)
            for name, each in spoken.parameters.items():
                if each.mask is None:
                    pointer = example_pointer(template.parameters[name], name, tag)
                    yield from self.value(each.example, each, template.use_case, about.country, pointer)

    def value(
        self,
        value: str,
        declared: Parameter,
        use_case: str,
        country: str | None,
        pointer: str,
        *,
        words: bool = True,
        links: bool = True,
        numbers: bool = True,
        named: bool = False,
    ) -> list[Finding]:
        """What there is to say of one value; `words`, `links`, `numbers`: only what is asked for.

        `named`: the text before it says that it is a national ID.
        """
        found: list[Finding] = []
        # The last four digits of a card may be 1111, which is a sale only where words say so.
        if words and not _WORDLESS.fullmatch(value):
            found += self._words(value, None, None, country, use_case, pointer)
            found += self._limits.text(value, use_case=use_case, country=country, pointer=pointer)
        if links:
            found = self._and_links(found, self.links.check(value, use_case=use_case, pointer=pointer))
        # What is quoted of a value goes into answers, lists and mails: not with anybody's number in it.
        found = [
            x
            if x.code == "link-user-info"  # a@b is what it is about
            else msgspec.structs.replace(x, words=self._personal.hidden(x.words, country))
            for x in found
        ]
        if numbers:
            found += self._personal.text(
                value, country=country, pointer=pointer, known=declared.personal, named=named
            )
        return self.kept(found)

    def _words(
        self,
        text: str,
        examples: Mapping[str, str] | None,
        language: str | None,
        country: str | None,
        use_case: str | None,
        pointer: str,
    ) -> list[Finding]:
        """What the rules for text find. `examples`: of the parameters in it; None: it has none."""
        found: list[Finding] = []
        for each in self.checkers:
            if examples is None:
                found += each.check_text(
                    text, language=language, country=country, use_case=use_case, pointer=pointer
                )
            else:
                found += each.check_fixed(
                    text, examples, language=language, country=country, use_case=use_case, pointer=pointer
                )
        return found

    def _and_links(self, words: list[Finding], links: list[Finding]) -> list[Finding]:
        """Both; a page of offers is told once."""
        if any(x.code == "promotion-link" for x in words):
            links = [x for x in links if not x.code.startswith("link-campaign")]
        return words + links

    def names_an_id(self, text: str) -> bool:
        """Whether it has a word beside which digits are a national ID."""
        return self._personal.names_an_id(text)

    def kept(self, found: Iterable[Finding]) -> list[Finding]:
        return [x for x in found if x.code not in self._off]


def _control(text: str, pointer: str) -> Finding:
    bad = FORBIDDEN.search(text)
    shown = f"U+{ord(bad[0]):04X}" if bad else ""
    return finding("control-characters", pointer, shown, "Remove it: it changes how the text beside it reads")


def _examples(template: Template) -> dict[str, str]:
    """What a notice with the examples of the template's language would show."""
    given = {name: each.example for name, each in template.parameters.items()}
    try:
        return check_parameters(template, given)
    except InvalidParameters:
        # A version from before a limit was looked at.
        return given
