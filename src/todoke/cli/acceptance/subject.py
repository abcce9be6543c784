"""What is tried: the use case, its country, the account, and the template in the language of the run."""

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import yaml

import line_catalogue
from todoke.cli.acceptance.texts import LANGUAGES, Texts
from todoke.cli.common import fail
from todoke.cli.files import read_objects

SAMPLES = files("todoke") / "samples" / "templates"
FORMS = ("line_template", "flexible", "push", "sms")
MOST_NAMED = 5


class UseCase(NamedTuple):
    """`listed`: its number in LINE's list for the country; None where LINE lists none such."""

    region: str
    key: str
    listed: int | None
    names: dict[str, str]


class Subject(NamedTuple):
    """`template` is in one language: what the gateway is given. `channel`: the gateway's name for the channel."""

    use_case: UseCase
    account: str
    channel: str
    template: dict[str, Any]
    parameters: dict[str, Any]
    written_in: str
    time_zone: str
    reference: str

    @property
    def name(self) -> str:
        return str(self.template["name"])

    @property
    def forms(self) -> set[str]:
        """What can be sent: a flexible form can be pushed to friends as it is."""
        found = {form for form in FORMS if self.template.get(form)}
        return found | {"push"} if "flexible" in found else found


def find_use_case(key: str, region: str | None, given: dict[str, Any] | None = None) -> UseCase:
    """The use case of this key; without a region where it is listed first. `given`: the user's own template, whose use
    case need not be listed. Ends the command with the nearest.
    """
    if region is not None and region not in line_catalogue.countries():
        fail(f"{region!r} is no region; it can be {', '.join(line_catalogue.countries())}.", 2)
    for country in [region] if region else line_catalogue.countries():
        if found := line_catalogue.use_case(country, key):
            return UseCase(country, key, found.number, found.names)
    lists = {c.key: c for country in line_catalogue.countries() for c in line_catalogue.use_cases(country)}
    # Accounts may apply for use cases of their own.
    unlisted = region or ("JP" if given is None else _home(given))
    if given is not None and given.get("use_case") == key:
        return UseCase(unlisted, key, None, dict.fromkeys(LANGUAGES, _title(key)))
    if unlisted == "JP" and key in _SAMPLED:
        return UseCase(unlisted, key, None, _SAMPLED[key])
    fail(_unknown(key, region, lists), 2)


_SAMPLED = {
    "shipment_completed": {
        "zh-Hant": "出貨完成通知",
        "th": "แจ้งจัดส่งสินค้าแล้ว",
        "ja": "発送完了のお知らせ",
        "en": "Shipment completed",
    }
}
"""Use cases of samples that stand in no list: that of the one template key which LINE publishes."""


def _home(template: dict[str, Any]) -> str:
    """The country in whose language a template is written first."""
    first = next(iter(languages_of(template)), None)
    countries = line_catalogue.countries()
    return next((code for code, country in countries.items() if country.language == first), "TW")


def _title(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _unknown(key: str, region: str | None, lists: dict[str, Any]) -> str:
    known = {c.key for c in line_catalogue.use_cases(region)} if region else set()
    known = known or set(lists)
    by_name = {name: k for k, case in lists.items() if k in known for name in _names(case)}
    near = get_close_matches(key, [*known, *by_name], MOST_NAMED, 0.4)
    found = list(dict.fromkeys(by_name.get(name, name) for name in near))
    where = f" in {region}" if region else ""
    if region and any(case == key for case in lists):
        return f"{key!r} is no use case of {region}. Leave --region out, and its own country is taken."
    hint = f"The nearest: {', '.join(found)}." if found else f"Known: {', '.join(sorted(known))}."
    return f"{key[:60]!r} is no use case that LINE lists{where}. {hint} For one of your own give --template FILE."


def _names(case: Any) -> list[str]:
    return [case.name, *case.names.values()]


def own_template(path: Path) -> dict[str, Any]:
    """A template of the user's own. Ends the command with the file and what is wrong in it."""
    found = read_objects(path)
    if len(found) != 1:
        fail(f"{path} holds {len(found)} templates; name one file.", 2)
    template = found[0][1]
    parameters = template.get("parameters", {})
    if not isinstance(template.get("name"), str) or not isinstance(parameters, dict):
        fail(f"{path} is no template: it needs name, use_case and parameters. See docs/going-live.md.", 2)
    for name, declared in parameters.items():
        if not isinstance(declared, dict) or "example" not in declared:
            fail(
                f"{path}: parameter {str(name)[:60]!r} has no example. The run is filled with the examples.",
                2,
            )
    return template


@cache
def _samples_of(use_case: str) -> list[dict[str, Any]]:
    """The templates of this use case that come with Todoke. Only those are parsed: YAML takes its time."""
    found: list[dict[str, Any]] = []
    named = re.compile(rf"^\s*\"?use_case\"?:\s*\"?{re.escape(use_case)}\"?,?\s*$", re.MULTILINE)
    for file in sorted(SAMPLES.iterdir(), key=lambda one: one.name):
        if not file.name.endswith((".yaml", ".json")):
            continue
        text = file.read_text(encoding="utf-8")
        if named.search(text):
            found.append(json.loads(text) if file.name.endswith(".json") else yaml.safe_load(text))
    return found


def sample_for(use_case: str, language: str) -> dict[str, Any] | None:
    """The sample of this use case that is written in the language; one with the most languages first."""
    fitting = [t for t in _samples_of(use_case) if language in languages_of(t)]
    return max(fitting, key=lambda one: len(languages_of(one)), default=None)


def languages_of(template: dict[str, Any]) -> list[str]:
    """What a template is written in: its list of codes, or its variants. A list names the base's languages."""
    given = template.get("languages") or []
    base = [template["language"]] if isinstance(template.get("language"), str) else []
    return [*base, *(code for code in given if code not in base)]


def in_language(template: dict[str, Any], language: str) -> tuple[dict[str, Any], str]:
    """The template in one language, as the gateway takes it, and which language that is: the base's where there
    is no variant.
    """
    given = template.get("languages")
    variants = given if isinstance(given, dict) else {}
    written = languages_of(template)
    chosen = language if language in variants or language in written or not written else written[0]
    flat = {k: v for k, v in template.items() if k in {"name", "use_case", "parameters", *FORMS}}
    variant = variants.get(chosen) or {}
    flat |= {form: variant[form] for form in FORMS if form in variant}
    if isinstance(parameters := flat.get("parameters"), dict):
        flat["parameters"] = {name: _example_in(declared, chosen) for name, declared in parameters.items()}
    return flat | {"languages": [chosen]}, chosen


def _example_in(declared: Any, language: str) -> Any:
    """A declared parameter with its example in one language."""
    example = declared.get("example") if isinstance(declared, dict) else None
    if not isinstance(example, dict) or not example:
        return declared
    return {**declared, "example": example.get(language, next(iter(example.values())))}


_SENDER = re.compile(r"\s*(?:【([^】{]{1,40})】|\[([^\]{]{1,40})\]|([^:：{]{1,40})[:：]\s)")


def sender_of(template: dict[str, Any]) -> str | None:
    """Whom a template's texts name as the sender, as such texts begin: `【name】`, `[name]`, `name: `."""
    flexible = template.get("flexible")
    first = flexible[0] if isinstance(flexible, list) and flexible else {}
    for text in (first.get("altText") if isinstance(first, dict) else None, template.get("sms")):
        if isinstance(text, str) and (found := _SENDER.match(text)):
            return next(group for group in found.groups() if group)
    return None


def generic(use_case: UseCase, account: str, language: str) -> dict[str, Any]:
    """A plain template with the use case's name, for those that have no sample."""
    text = (files("todoke.cli.acceptance") / "generic.yaml").read_text(encoding="utf-8")
    words = yaml.safe_load(text)[language]
    title = use_case.names[language]
    rows = [
        _row(label, "{{" + name + "}}")
        for label, name in zip(words["rows"], words["parameters"], strict=True)
    ]
    body = [_text(words["greeting"]), {"type": "separator"}, *rows, _text(words["note"], "xs", "#6B7280")]
    flex = {
        "type": "flex",
        "altText": f"{account} {title} {{{{number}}}}",
        "contents": {
            "type": "bubble",
            "header": {
                "type": "box",
                "layout": "vertical",
                "backgroundColor": "#EEF2F6",
                "contents": [{"type": "text", "text": title, "weight": "bold", "size": "lg", "wrap": True}],
            },
            "body": {"type": "box", "layout": "vertical", "spacing": "md", "contents": body},
        },
    }
    sms = words["sms"].replace("{account}", account).replace("{title}", title)
    kinds = {"name": "text", "number": "text", "at": "text"}
    return {
        "name": f"acceptance_{use_case.key}",
        "use_case": use_case.key,
        "parameters": {
            name: {"type": kinds[name], "example": example, "max": 60}
            for name, example in words["parameters"].items()
        },
        "flexible": [flex],
        "sms": sms,
        "languages": [language],
    }


def _text(text: str, size: str = "md", color: str = "#17202A") -> dict[str, Any]:
    return {"type": "text", "text": text, "size": size, "color": color, "wrap": True}


def _row(label: str, value: str) -> dict[str, Any]:
    return {
        "type": "box",
        "layout": "baseline",
        "spacing": "sm",
        "contents": [
            {"type": "text", "text": label, "size": "sm", "color": "#6B7280", "flex": 2},
            {"type": "text", "text": value, "size": "sm", "flex": 5, "wrap": True},
        ],
    }


def subject_of(
    use_case: UseCase, language: str, given: dict[str, Any] | None, account: str | None
) -> Subject:
    """All of it together. `given`: the user's own template; else a sample, else the generic one."""
    source = given or sample_for(use_case.key, language)
    made_up = Texts(language).word("account_name")
    template, written = in_language(source or generic(use_case, account or made_up, language), language)
    oa = account or sender_of(template) or made_up
    name = f"{template['name']}_{language.lower().replace('-', '_')}"[:100]
    examples = {n: declared["example"] for n, declared in template.get("parameters", {}).items()}
    return Subject(
        use_case=use_case,
        account=oa,
        channel=f"{oa} ({language})"[:100],
        template={**template, "name": name, "use_case": use_case.key},
        parameters=examples,
        written_in=written,
        time_zone=line_catalogue.countries()[use_case.region].time_zone,
        reference=f"acceptance-{use_case.key}-{language}"[:80],
    )


def used_keys(template: dict[str, Any]) -> dict[str, list[str]]:
    """The template, item and button keys of a template's LINE form, as a channel of the emulator is granted them."""
    form = _object(template.get("line_template"))
    body = _object(form.get("body"))
    items = [body.get("emphasizedItem"), *_list(body.get("items"))]
    return {
        "templates": _texts([form.get("templateKey")]),
        "item_keys": _texts(_object(item).get("itemKey") for item in items),
        "button_keys": _texts(_object(button).get("buttonKey") for button in _list(body.get("buttons"))),
    }


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(values: Iterable[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
