"""`todoke acceptance`, as a person runs it: the report, its films and pictures, and that it can fail."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import re
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
import typer
import yaml
from typer.testing import CliRunner

import line_catalogue
from command_support import TODOKE
from gateway_support import RunningGateway
from phone_support import CHROMIUM, MISSING
from todoke.cli.acceptance import against, against_report, command
from todoke.cli.acceptance.acts import ACTS
from todoke.cli.acceptance.plan import Part, Plan
from todoke.cli.acceptance.scenarios import BY_KEY
from todoke.cli.acceptance.scenes import left_out, numbers
from todoke.cli.acceptance.subject import UseCase, find_use_case, subject_of
from todoke.cli.acceptance.texts import LANGUAGES
from todoke.cli.main import app
from todoke_client import Todoke

NUMBER = "+886912345678"


async def run(folder: Path, *arguments: str, code: int) -> dict[str, Any]:
    """The command on a machine without any settings: what it prints with --json."""
    process = await asyncio.create_subprocess_exec(
        str(TODOKE),
        "acceptance",
        *arguments,
        "--json",
        "--out",
        str(folder / "out"),
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(180):
        out, err = await process.communicate()
    assert process.returncode == code, (out.decode()[-3000:], err.decode()[-3000:])
    told: dict[str, Any] = json.loads(out)
    return told


def text_of(path: Path | str) -> str:
    return Path(path).read_text(encoding="utf-8")


def bytes_of(path: Path | str) -> bytes:
    return Path(path).read_bytes()


def contents(html: str, kind: str) -> list[bytes]:
    found = re.findall(rf'src="data:{kind};base64,([^"]+)"', html)
    return [base64.b64decode(one) for one in found]


def tones(jpeg: bytes) -> int:
    """How many different shades of grey a picture has: of a blank one, very few."""
    picture = av.CodecContext.create("mjpeg", "r").decode(av.Packet(jpeg))[0]  # type: ignore[attr-defined]
    return len(set(bytes(picture.planes[0])))


@pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
async def test_one_command_makes_a_report_with_films_that_needs_no_network(tmp_path: Path) -> None:
    told = await run(tmp_path, "delivery", "--language", "th", "--region", "TW", "--scenario", "pin", code=0)
    (made,) = told["runs"]
    assert told["passed"]
    assert made["region"] == "TW"
    html = text_of(made["html"])

    addresses = re.findall(r'(?:src|href|poster|action)="([^"]{1,60})', html)
    assert [a for a in addresses if not a.startswith(("data:", "#"))] == []
    assert "url(" not in html
    assert "@import" not in html
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert 'lang="th"' in html

    pictures = contents(html, "image/jpeg")
    assert len(pictures) >= 6
    assert min(map(tones, pictures)) > 40
    (film,) = contents(html, "video/mp4")
    with av.open(io.BytesIO(film)) as opened:
        assert opened.streams.video[0].codec_context.name == "h264"
        frames = [frame.time for frame in opened.decode(video=0)]
    assert len(frames) > 60
    assert frames == sorted(frames)
    assert 10 < (frames[-1] or 0) < 120

    number, _ = numbers("TW", list(BY_KEY).index("pin"))
    assert number not in html
    assert hashlib.sha256(number.encode()).hexdigest() not in html
    for words in ("ลายเซ็นถูกต้อง", "ผ่าน", "ไม่ใช่ระบบจริงของ LINE"):
        assert words in html
    pdf = bytes_of(made["pdf"])
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 3


@pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
async def test_a_run_in_which_the_sides_disagree_fails_and_says_where(tmp_path: Path) -> None:
    told = await run(tmp_path, "delivery", "--scenario", "at_once", "--fault", "webhook:drop", code=1)
    assert not told["passed"]
    (scenario,) = told["runs"][0]["scenarios"]
    wrong = {(c["side"], c["what"]): c["found"] for c in scenario["checks"] if not c["holds"]}
    assert wrong[("gateway", "state")] == "waiting"
    assert wrong[("line", "event")] is False
    # The user has seen it all the same, and LINE's side knows: that is what the gateway disagrees with.
    assert ("phone", "shown") not in wrong
    assert ("line", "fate") not in wrong
    html = text_of(told["runs"][0]["html"])
    assert "不符合" in html
    assert 'class="wrong"' in html


def test_every_use_case_of_every_country_can_be_tried_in_every_language() -> None:
    countries = line_catalogue.countries()
    cases = [(country, case.key) for country in countries for case in line_catalogue.use_cases(country)]
    assert {country for country, _ in cases} == set(countries)
    for country, key in cases:
        case = find_use_case(key, country)
        for language in LANGUAGES:
            subject = subject_of(case, language, None, None)
            assert case.names[language]
            assert subject.parameters
            assert subject.account
            assert {scenario.key for scenario, why in left_out(subject, ()) if why != "push"} == set(), key


def test_every_scenario_has_its_act_and_its_words_in_every_language() -> None:
    package = files("todoke.cli.acceptance")
    captions, scenarios, words = (
        yaml.safe_load((package / f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("captions", "scenarios", "words")
    )
    assert set(ACTS) == set(BY_KEY) == set(against.STEPS) == set(scenarios["scenarios"])
    asked = {caption for steps in against.STEPS.values() for _, caption in steps} | set(
        against.BEFORE.values()
    )
    asked |= set(re.findall(r'(?:beat|see_notice|see_sms)\("(\w+)"', (package / "acts.py").read_text()))
    assert asked <= set(captions)
    texts = [*captions.values(), *words.values(), *scenarios["groups"].values()]
    texts += [part for scenario in scenarios["scenarios"].values() for part in scenario.values()]
    for text in texts:
        assert set(text) == set(LANGUAGES)
        assert all(text.values())
        # Whoever fills in a word in one language does so in all.
        assert len({tuple(sorted(re.findall(r"{\w+}", line))) for line in text.values()}) == 1, text


def test_what_is_wrong_is_said_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("{name: x, use_case: delivery, parameters: {who: {type: text}}}", encoding="utf-8")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    for arguments, says in (
        ("delivry", "The nearest: delivery"),
        ("delivery --region FR", "TW, TH, JP"),
        ("bill --region TH", "no use case of TH"),
        ("delivery --language de", "zh-Hant, th, ja, en or all"),
        ("delivery --scenario none", "consent_pin"),
        ("delivery --fault webhook", "a colon"),
        ("delivery --template bad.yaml", "has no example"),
        ("delivery --out bad.yaml/x", "can't be made"),
        ("delivery --against-line bad.yaml", "in a terminal"),
        ("delivery", "apt-get install chromium"),
    ):
        result = CliRunner().invoke(app, ["acceptance", *arguments.split()])
        assert result.exit_code in (1, 2), arguments
        assert says in result.output, (arguments, result.output)
        assert "Traceback" not in result.output


class Phone:
    """A person at a real phone, whom the emulator stands in for: does what is asked, and says what is seen."""

    def __init__(self, gateway: RunningGateway, channel_id: str, replies: dict[str, str]) -> None:
        self._emulator = gateway.emulator
        self._channel_id = channel_id
        self._replies = replies
        self._loop = asyncio.get_running_loop()
        self.told: list[str] = []

    def tell(self, words: str) -> None:
        self.told.append(words)

    def ask(self, words: str) -> str:
        asked = self.told[-1]
        if "blocks" in asked and "First" in asked:
            self._act("block", channel_id=self._channel_id)
        if "has a code sent" in asked or "The user has a code" in asked:
            self._act("request_pin")
        if "enters the code" in asked:
            screen = self._wait(self._emulator.screen(NUMBER))
            self._act("enter_pin", pin=screen["sms"][-1]["pin"])
        self._wait(self._emulator.control("POST", "/clock", {"advance": "1s"}))
        return next((reply for part, reply in self._replies.items() if part in asked), "y")

    def _act(self, action: str, **more: Any) -> None:
        self._wait(self._emulator.act(NUMBER, action, **more))

    def _wait(self, doing: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(30)


async def test_the_run_with_real_numbers_asks_step_by_step_and_goes_on_the_next_day(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    channel = await gateway.channel("Trial")
    await gateway.template("Trial")
    await gateway.emulator.user(NUMBER, reception="agree", verified=False)
    parts = [Part("pin", "0912-345-678", "Mei"), Part("blocked", "0912-345-678")]
    plan = Plan("Trial", "parcel", parts, language="en", parameters={"name": "Mei"})
    case = UseCase("TW", "delivery", 1, dict.fromkeys(LANGUAGES, "Delivery"))
    tester = Phone(gateway, channel["channel_id"], {})
    asking = against.Asking(tester.ask, tester.tell)
    (tmp_path / "pin-1.png").write_bytes(base64.b64decode(_PIXEL))

    def play() -> tuple[Path, bool, bool]:
        with Todoke(gateway.url, gateway.key) as todoke:
            return against_report.play(plan, case, todoke, tmp_path, tmp_path, asking, "/no/chromium")

    with pytest.raises(typer.Exit) as stopped:
        await asyncio.to_thread(play)
    assert stopped.value.exit_code == 1, "a live channel is refused"

    change = {"mode": "test", "test_numbers": [NUMBER]}
    await gateway.ok("PATCH", "/v1/channels/Trial", change)
    path, finished, held = await asyncio.to_thread(play)
    assert not finished
    assert not held
    assert "Run the same command again after" in tester.told[-1]
    html = text_of(path)
    assert "not against LINE" not in html
    assert "with test numbers" in html
    assert "data:image/png" in html
    assert NUMBER not in html
    assert "Mei" in html
    assert not path.with_suffix(".pdf").exists()

    await gateway.advance("24h")
    await gateway.advance("15m")
    asked = len(tester.told)
    path, finished, held = await asyncio.to_thread(play)
    assert finished
    assert held
    assert [t for t in tester.told[asked:] if "Prepare" in t] == [], "nothing is sent twice"
    assert text_of(path).count('class="badge good"') == 4
    kept = tmp_path / "acceptance-against-line-TW-delivery.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert "912345678" not in kept.read_text()


async def test_what_a_tester_sees_otherwise_fails_the_scenario(
    gateway: RunningGateway, tmp_path: Path
) -> None:
    await gateway.channel("Trial")
    await gateway.template("Trial")
    await gateway.emulator.user(NUMBER, reception="agree", verified=True)
    await gateway.ok("PATCH", "/v1/channels/Trial", {"mode": "test", "test_numbers": [NUMBER]})
    plan = Plan("Trial", "parcel", [Part("at_once", NUMBER)], language="en", parameters={"name": "Mei"})
    case = UseCase("TW", "delivery", 1, dict.fromkeys(LANGUAGES, "Delivery"))
    tester = Phone(gateway, "", {"The notice is shown": "<b>nothing</b> came"})

    def play() -> tuple[Path, bool, bool]:
        with Todoke(gateway.url, gateway.key) as todoke:
            asking = against.Asking(tester.ask, tester.tell)
            return against_report.play(plan, case, todoke, tmp_path, None, asking, "/no/chromium")

    path, finished, held = await asyncio.to_thread(play)
    assert finished
    assert not held
    html = text_of(path)
    assert "&lt;b&gt;nothing&lt;/b&gt; came" in html
    assert "<b>nothing" not in html


async def test_reports_that_passed_are_added_to_the_application_and_others_are_not(
    gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TODOKE_BASE_URL", gateway.url)
    monkeypatch.setenv("TODOKE_API_KEY", gateway.key)
    made = []
    for name, passed in (("good", True), ("bad", False)):
        html, pdf = tmp_path / f"{name}.html", tmp_path / f"{name}.pdf"
        html.write_text("<!doctype html><title>report</title>")
        pdf.write_bytes(b"%PDF-1.7")
        made.append(SimpleNamespace(run=SimpleNamespace(passed=passed), html=html, pdf=pdf))
    with Todoke(gateway.url, gateway.key) as todoke:
        application = await asyncio.to_thread(todoke.apply, "Parcels", "delivery")
        await asyncio.to_thread(command.check_application, application["id"], "delivery")
        with pytest.raises(typer.Exit):
            await asyncio.to_thread(command.check_application, application["id"], "bill")
        await asyncio.to_thread(command.add_reports, application["id"], made)  # type: ignore[arg-type]
        found = await asyncio.to_thread(todoke.application, application["id"])
    assert [file["name"] for file in found["attachments"]] == ["good.html", "good.pdf"]


_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
