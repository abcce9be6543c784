"""Previews as data and as a page: what is on which phone, and that no text of a template becomes more than text."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from line_catalogue import Price
from previews_support import PARCEL, crowded, flex, link
from todoke.browser import NoBrowser, browser, find_chromium
from todoke.cli.main import app
from todoke.core.errors import InvalidParameters
from todoke.core.template import Template
from todoke.core.template import compile as compiled
from todoke.previews import Painter, Sender, bundle, page_of, picture, preview
from todoke.previews import words as captions
from todoke.previews.document import phone_language
from todoke.previews.page import policy
from todoke.previews.shapes import Shown
from todoke.reports.prices import Prices

TW = Sender("好日子宅配", "TW")
HOSTILE = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>&lt;"


def parcel(**changes: Any) -> Template:
    return compiled({k: v for k, v in {**PARCEL, **changes}.items() if v is not None})


def shown(template: Template, sender: Sender = TW, **asked: Any) -> dict[str, Shown]:
    """The phones of a template's first language, as `step` or `step viewer`."""
    [*sections] = preview(template, sender, **asked).sections
    return {f"{one.step} {one.viewer or ''}".strip(): one for one in sections[0].shown}


class Reader(HTMLParser):
    """Elements, their attributes, and what stands in scripts and style sheets."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] in ("script", "style") and data.strip():
            self.inside.append(data)


def test_each_language_has_phones_that_speak_it() -> None:
    made = preview(parcel(languages=["zh-Hant", "th", "ja", "en", "zh-Hans"]), TW)
    assert [(s.language, s.lang, s.label) for s in made.sections] == [
        ("zh-Hant", "zh-Hant-TW", "重要通知"),
        ("th", "th", "การแจ้งเตือนสำคัญ"),
        ("ja", "ja", "重要なお知らせ"),
        ("en", "en", "Important notification"),
        ("zh-Hans", "zh-Hans", "重要通知"),
    ]
    adds = [s.phone_words["stranger.add"] for s in made.sections]
    assert adds == ["加入好友", "เพิ่มเพื่อน", "友だち追加", "Add friend", "添加好友"]
    tags = {
        "zh-TW": "zh-Hant",
        "zh-Hant-HK": "zh-Hant",
        "zh-CN": "zh-Hans",
        "ja-JP": "ja",
        "EN-gb": "en",
        "fr": "en",
    }
    assert {tag: phone_language(tag) for tag in tags} == tags


def test_a_template_that_names_no_language_is_shown_in_that_of_the_country() -> None:
    for country, language in (("TW", "zh-Hant"), ("TH", "th"), ("JP", "ja")):
        made = preview(parcel(languages=None), Sender("Parcels", country))
        assert [s.language for s in made.sections] == [language]


def test_every_step_stands_on_its_phone_and_line_adds_its_own_message_to_notifications() -> None:
    assert list(shown(parcel())) == [
        "line_notification friend", "line_push friend", "sms", "line_notification non_friend", "system",
    ]  # fmt: skip
    assert list(shown(parcel(flexible=None))) == ["sms"]
    assert list(shown(parcel(), steps=["line_push"])) == ["line_push friend"]
    assert list(shown(parcel(), steps=["line_push"], viewers=["non_friend"])) == []
    assert list(shown(parcel(), viewers=["non_friend"])) == ["line_notification non_friend", "sms", "system"]
    both = shown(parcel(line_template={"templateKey": "shipment_completed_ja"}))
    assert (both["line_notification friend"].form, both["line_push friend"].form) == (
        "line_template",
        "flexible",
    )


def test_parameters_fill_every_step_and_wrong_ones_are_refused() -> None:
    filled = shown(parcel(), parameters={"name": "林雅婷"})
    assert filled["sms"].text == "林雅婷 您好，您的包裹已送達門市。若已取件，請忽略此訊息。"
    assert filled["line_push friend"].messages == [
        {"type": "text", "text": "林雅婷 您好，您的包裹已送達門市。"}
    ]
    for wrong in ({}, {"name": "x", "nmae": "y"}):
        with pytest.raises(InvalidParameters, match="name"):
            preview(parcel(), TW, wrong)
    with pytest.raises(InvalidParameters, match="not written in 'th', but in zh-Hant"):
        preview(parcel(), TW, language="th")


def test_an_sms_says_what_it_takes_and_costs_and_an_unknown_price_stays_unknown() -> None:
    fifth = Decimal("0.2")
    own = Prices([("fast", Price(country="TH", step="sms", currency="THB", lowest=fifth, highest=fifth))])
    one = shown(parcel())["sms"]
    assert (one.encoding, one.units, one.segments) == ("UCS-2", 29, 1)
    assert one.price == {"amount": "0.80", "currency": "TWD", "amount_at_most": "2.00"}
    long = shown(parcel(sms="{{name}}" * 24))["sms"]
    assert (long.units, long.segments) == (72, 2)
    assert long.price == {"amount": "1.60", "currency": "TWD", "amount_at_most": "4.00"}
    thai = Sender("Parcels", "TH")
    assert shown(parcel(), thai)["sms"].price is None
    assert shown(parcel(), thai, prices=own, carrier="fast")["sms"].price == {
        "amount": "0.20",
        "currency": "THB",
    }
    assert shown(parcel(), thai, prices=own, carrier="slow")["sms"].price is None
    assert shown(parcel())["line_notification friend"].price == {"amount": "0.20", "currency": "TWD"}
    assert shown(parcel())["system"].price is None


def test_a_notification_has_the_labels_of_granted_keys_else_the_readings_of_published_ones() -> None:
    form = {
        "templateKey": "shipment_completed_ja",
        "body": {
            "items": [
                {"itemKey": "date_002_ja", "content": "8月10日"},
                {"itemKey": "mine", "content": "{{name}}"},
            ],
            "buttons": [{"buttonKey": "contact_ja", "url": "https://parcel.example/"}],
        },
    }
    made = shown(parcel(line_template=form), Sender("しろくま運輸", "JP"), labels={"mine": "お名前"})
    one = made["line_notification friend"]
    assert one.notification is not None
    assert one.notification["title"] == "発送完了のお知らせ"
    assert one.notification["labels"] == {
        "date_002_ja": "日付",
        "mine": "お名前",
        "contact_ja": "お問い合わせ",
    }
    assert one.leads_to == [("お問い合わせ", "https://parcel.example/")]


def test_where_buttons_lead_is_told_once_in_their_order() -> None:
    two = flex(link("A", "https://a.example/{{name}}"), link("B", "https://b.example/"))
    name = {"name": {"type": "text", "example": "x", "max": 10}}
    made = shown(parcel(flexible=[two, two], sms=None, parameters=name))["line_push friend"]
    assert made.leads_to == [("A", "https://a.example/x"), ("B", "https://b.example/")]
    assert made.alt == "A parcel for you"


def test_a_page_is_one_file_and_its_policy_allows_its_own_script_and_sheet_only() -> None:
    html = page_of(preview(compiled(crowded()), TW))
    read = Reader(html)
    assert not re.search(r"""(?:src|href|action)\s*=""", html.split("<style>")[0])
    assert {name for name, _ in read.attributes} <= {
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "type",
        "id",
    }
    data, script = read.inside[-2:]
    sheet = read.inside[0]
    found = dict(part.strip().split(" ", 1) for part in policy().split(";"))
    for directive, text in (("script-src", script), ("style-src", sheet)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert found[directive] == f"'sha256-{digest}'"
    assert found["default-src"] == "'none'"
    assert set(found) == {"default-src", "script-src", "style-src", "base-uri", "form-action"}
    assert json.loads(data)["preview"]["template"] == "crowded"


def test_no_text_of_a_template_becomes_part_of_the_page() -> None:
    name = {"name": {"type": "text", "example": "x", "max": 200}}
    quiet = Reader(page_of(preview(parcel(parameters=name), TW)))
    made = preview(
        parcel(name=HOSTILE, parameters=name), Sender(HOSTILE + "\u202e\ud800", "TW"), {"name": HOSTILE[:-5]}
    )
    html = page_of(made)
    loud = Reader(html)
    assert loud.tags == quiet.tags
    assert loud.attributes == quiet.attributes
    assert json.loads(loud.inside[-2])["preview"]["sender"]["name"] == HOSTILE
    assert html.lower().count("<script") == 2


def test_captions_are_whole_in_all_languages() -> None:
    table = yaml.safe_load((bundle.HERE / "words.yaml").read_text())
    for key, entry in table.items():
        assert set(entry) == set(captions.LANGUAGES), key
        places = {frozenset(re.findall(r"\{\w+\}", text)) for text in entry.values()}
        assert len(places) == 1, key
    used = set(re.findall(r'(?:say|fact)\("([a-z.]+)"', (bundle.HERE / "preview.js").read_text()))
    assert used <= set(table)
    made = preview(parcel(), TW, captions="ja")
    assert '<html lang="ja">' in page_of(made)
    assert preview(parcel(), TW, captions="xx").captions == "en"


@pytest.mark.parametrize(
    "source",
    [
        "export default 1;\n",
        'import "./b.js";\n',
        'import x from "./b.js";\n',
        'import { a } from "./a.js";\n',
    ],
)
def test_a_module_that_can_not_be_joined_is_refused(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.js").write_text(source)
    monkeypatch.setitem(bundle._ROOTS, "/test", tmp_path)
    with pytest.raises(bundle.BundleError, match=r"/test/a\.js"):
        bundle._add("/test/a.js", {}, ())


async def test_without_chromium_the_remedy_is_told(tmp_path: Path) -> None:
    assert find_chromium(tmp_path / "chromium") is None
    with pytest.raises(NoBrowser, match="apt-get install chromium"):
        async with browser(tmp_path / "chromium"):
            pass
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(NoBrowser, match="does not start"):
        await Painter(broken).paint("")


async def test_a_picture_waits_for_its_turn_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "SECONDS", 0.01)
    painter = Painter("/nowhere")
    async with painter._turn:
        with pytest.raises(picture.Busy, match="Try again"):
            await painter.paint("")
    with pytest.raises(NoBrowser):
        await painter.paint("")
    assert not painter._turn.locked()
    await asyncio.sleep(0)


def test_files_are_previewed_without_a_gateway(tmp_path: Path) -> None:
    templates, out = tmp_path / "templates", tmp_path / "out"
    templates.mkdir()
    (templates / "parcel.yaml").write_text(
        yaml.safe_dump({**PARCEL, "name": "../par cel"}, allow_unicode=True)
    )
    (templates / "other.json").write_text(json.dumps({**PARCEL, "name": "other", "languages": ["ja", "en"]}))

    def run(*arguments: str, code: int = 0) -> str:
        place = str(out) if out not in map(Path, arguments) else arguments[0]
        done = CliRunner().invoke(app, ["templates", "preview", *arguments, "--out", place])
        assert done.exit_code == code, done.output
        return done.output

    told = json.loads(run(str(templates), "--json"))
    assert [Path(name).name for name in told["files"]] == ["other.html", "_par_cel.html"]
    assert "王小明" in (out / "_par_cel.html").read_text()
    run(str(templates / "other.json"), "--language", "en", "-p", "name=Ann", "--captions", "th")
    html = (out / "other-en.html").read_text()
    assert "Ann" in html
    assert '<html lang="th">' in html
    for arguments, words in (
        (["--language", "th"], "not written in 'th', but in ja, en"),
        (["-p", "nmae=x"], "name is missing"),
        (["--captions", "xx"], "it can be en, zh-Hant, ja, th"),
        (["--country", "US"], "it can be TW, TH, JP"),
    ):
        code = 2 if arguments[0].startswith("--c") else 1
        assert words in " ".join(run(str(templates / "other.json"), *arguments, code=code).split())


def test_no_page_takes_the_place_of_another_whatever_the_templates_are_called(tmp_path: Path) -> None:
    templates, out = tmp_path / "templates", tmp_path / "out"
    (templates / "th").mkdir(parents=True)
    for file, name in (("1", "a b"), ("2", "a:b"), ("th/3", "a b"), ("4", "ส่งพัสดุ" * 12)):
        (templates / f"{file}.json").write_text(json.dumps({**PARCEL, "name": name, "sms": file}))
    done = CliRunner().invoke(app, ["templates", "preview", str(templates), "--out", str(out), "--json"])
    files = [Path(name) for name in json.loads(done.output)["files"]]
    assert [path.name for path in files[:2] + files[3:]] == ["a_b.html", "a_b-2.html", "a_b-3.html"]
    assert files[2].name.startswith("ส่งพัสดุส่งพัสดุ")
    for path, text in zip(files, ("1", "2", "4", "th/3"), strict=True):
        assert f'"text":"{text}"' in path.read_text(), path
    (tmp_path / "file").write_text("")
    refused = ["templates", "preview", str(templates), "--out", str(tmp_path / "file")]
    done = CliRunner().invoke(app, refused)
    assert (done.exit_code, "can't be written" in " ".join(done.output.split())) == (
        1,
        True,
    )
