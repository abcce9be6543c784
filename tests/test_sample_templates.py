"""The templates that come with Todoke: whole in four languages, within all limits, and nothing to mind at a review."""

import json
import re
from pathlib import Path

import yaml

import line_catalogue
import todoke.samples
from todoke.actions.content_check import about_of_country
from todoke.cli.template_samples import find_samples
from todoke.cli.yaml_text import read
from todoke.core.content import Severity
from todoke.core.content.check import ContentCheck
from todoke.core.languages import chosen
from todoke.core.masking import Kind, mask
from todoke.core.sms_text import segments
from todoke.core.template import (
    Template,
    check_parameters,
    compile,
    in_language,
    render_line,
    render_push,
    render_sms,
)
from todoke.rules import load_checker
from todoke.rules.checks import load_data

LANGUAGES = ("zh-Hant", "th", "ja", "en")
SCRIPT = {"zh-Hant": "[\u4e00-\u9fff]", "th": "[\u0e00-\u0e7f]", "ja": "[\u3040-\u30ff]", "en": "[a-z]{3}"}
FOREIGN = {
    "zh-Hant": "[\u0e00-\u0e7f\u3040-\u30ff]",
    "th": "[\u3040-\u30ff\u4e00-\u9fff]",
    "ja": "[\u0e00-\u0e7f]",
    "en": "[\u0e00-\u0e7f\u3040-\u9fff]",
}
DONE = {
    "zh-Hant": "請忽略此訊息",
    "th": "โปรดละเว้นข้อความนี้",
    "ja": "無視してください",
    "en": "please ignore this message",
}
FOLDER = Path(todoke.samples.__file__).parent / "templates"
SAMPLES: dict[str, Template] = {
    path.stem: compile(read(path.read_text(encoding="utf-8"))[0]) for path in sorted(FOLDER.glob("*.yaml"))
}


def filled(template: Template) -> dict[str, str]:
    return check_parameters(template, {name: each.example for name, each in template.parameters.items()})


def test_there_is_one_for_the_use_cases_of_each_country_under_its_own_name() -> None:
    assert len(SAMPLES) >= 14
    assert {template.name for template in SAMPLES.values()} == set(SAMPLES)
    listed = {
        country: {t.use_case for t in SAMPLES.values() if line_catalogue.use_case(country, t.use_case)}
        for country in ("TW", "TH", "JP")
    }
    assert {country: len(keys) for country, keys in listed.items()} == {"TW": 14, "TH": 11, "JP": 2}
    # As good for a machine that reads YAML 1.1.
    assert all(compile(_plain(name)).parameters == each.parameters for name, each in SAMPLES.items())


def _plain(name: str) -> object:

    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def test_each_has_every_form_in_four_languages_which_are_what_they_say() -> None:
    for name, template in SAMPLES.items():
        assert template.languages == LANGUAGES, name
        for language in LANGUAGES:
            mine = in_language(template, language)
            own = template.spec if language == "zh-Hant" else template.spec["languages"][language]
            assert {"flexible", "sms"} <= set(own), (name, language)
            values = filled(mine)
            payloads = [
                render_line(mine, values)[1],
                render_push(mine, values)["messages"],
                render_sms(mine, values),
            ]
            text = json.dumps(payloads, ensure_ascii=False)
            assert "{{" not in text
            assert DONE[language] in payloads[2], (name, language)
            assert DONE[language] in json.dumps(payloads[1], ensure_ascii=False), (name, language)
            for each in (payloads[2], own["flexible"][0]["altText"]):
                assert re.search(SCRIPT[language], each), (name, language)
            assert not re.search(FOREIGN[language], text), (name, language)


def test_each_sms_is_two_at_most_and_the_marks_of_masking_make_none_dearer() -> None:
    for name, template in SAMPLES.items():
        for language in LANGUAGES:
            mine = in_language(template, language)
            text = render_sms(mine, filled(mine))
            size = segments(text)
            assert size.segments <= 2, (name, language, size, text)
            assert (size.encoding == "GSM-7") == (language == "en"), (name, language, text)


def test_keys_of_line_templates_are_published_ones_of_japan() -> None:
    published = line_catalogue.published_keys()
    known = {*published.templates, *published.items, *published.buttons}
    used = set()
    for template in SAMPLES.values():
        for language in LANGUAGES:
            node = template.spec if language == "zh-Hant" else template.spec["languages"][language]
            keys = re.findall(
                r'"(?:template|item|button)Key": "([^"]+)"', json.dumps(node.get("line_template"))
            )
            assert not keys or language == "ja"
            used |= set(keys)
    assert used
    assert used <= known


def test_the_content_check_finds_nothing_to_mind_in_any_country() -> None:
    check = ContentCheck([load_checker()], load_data())
    for name, template in SAMPLES.items():
        for country in [c for c in ("TW", "TH", "JP") if line_catalogue.use_case(c, template.use_case)]:
            found = check.template(template, about_of_country(country, template.use_case))
            assert [x for x in found if x.severity is not Severity.NOTE] == [], (name, country)


def test_a_copy_for_a_country_speaks_its_language_first_and_says_the_same() -> None:
    for country, language in {"TW": "zh-Hant", "TH": "th", "JP": "ja"}.items():
        for sample in find_samples(country):
            turned, template = compile(read(sample.text)[0]), SAMPLES[sample.spec["name"]]
            assert turned.language == language
            assert set(turned.languages) == set(LANGUAGES)
            for each in LANGUAGES:
                assert chosen(each, turned.languages) == each
                one, other = in_language(turned, each), in_language(template, each)
                values = filled(other)
                assert filled(one) == values
                assert render_sms(one, values) == render_sms(other, values)
                assert render_push(one, values) == render_push(other, values)
                assert render_line(one, values) == render_line(other, values)


def test_the_page_on_templates_says_what_is_so() -> None:
    page = (Path(__file__).parents[1] / "docs" / "templates.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    template = compile(read(example)[0])
    assert render_sms(template, filled(template)).startswith("王○明 您好")
    assert render_sms(in_language(template, "th"), filled(in_language(template, "th"))).startswith(
        "คุณสมชาย ใ•••"
    )
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| .* \| (.*→.*) \|$", page, re.MULTILINE)
    told = {kind for kinds, _ in rows for kind in re.findall(r"\w+", kinds)}
    assert told == set(Kind)
    for kinds, examples in rows:
        for pair in re.split(r", (?=[^,]* → )", examples):
            before, after = pair.split(" → ")
            assert all(mask(Kind(kind), before) == after for kind in re.findall(r"\w+", kinds)), pair
