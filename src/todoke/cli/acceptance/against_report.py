"""The command's half of a run with real test numbers: checks the channel, asks, and writes the report."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import line_catalogue
from todoke import __version__
from todoke.browser import NoBrowser, browser
from todoke.cli.acceptance import report
from todoke.cli.acceptance.against import STEPS, Asking, Kept, Session
from todoke.cli.acceptance.checks import GATEWAY, PHONE, Check, worded
from todoke.cli.acceptance.plan import Part, Plan, photos
from todoke.cli.acceptance.play import local
from todoke.cli.acceptance.scenarios import BY_KEY, SCENARIOS
from todoke.cli.acceptance.subject import UseCase
from todoke.cli.acceptance.texts import Texts
from todoke.cli.acceptance.view import data_uri, event_words
from todoke.cli.common import err, fail
from todoke.clock import SystemClock
from todoke_client import Todoke


def play(
    plan: Plan,
    case: UseCase,
    todoke: Todoke,
    out: Path,
    pictures: Path | None,
    asking: Asking,
    chromium: str | None = None,
) -> tuple[Path, bool, bool]:
    """Goes on with the plan and writes the report. The file; whether all is finished; whether all of it held."""
    channel = _test_channel(plan, todoke)
    zone = line_catalogue.countries()[case.region].time_zone
    out.mkdir(parents=True, exist_ok=True)
    stem = f"acceptance-against-line-{case.region}-{case.key}"
    session = Session(plan, todoke, out / f"{stem}.json", asking, zone)
    finished = session.play()
    shown = _view(session, case, channel, zone, pictures)
    text = report.page(shown, session.texts, warning="line")
    path = out / f"{stem}-{plan.language}.html"
    path.write_text(text, encoding="utf-8")
    try:
        asyncio.run(_print(text, path.with_suffix(".pdf"), chromium))
    except NoBrowser as error:
        err.print(f"No PDF was written. {error}", markup=False)
    return path, finished, bool(shown["passed"])


async def _print(text: str, path: Path, chromium: str | None) -> None:
    async with browser(chromium) as opened:
        await report.pdf(opened, text, path)


def _test_channel(plan: Plan, todoke: Todoke) -> dict[str, Any]:
    """The plan's channel. Ends the command unless it is in test mode: nobody else may get what is sent here."""
    channels = todoke.channels()
    for channel in channels:
        if plan.channel in (channel["id"], channel["name"]):
            if channel["mode"] != "test":
                fail(
                    f"The channel {plan.channel!r} is in live mode. Set it to test, with its test numbers, first."
                )
            return channel
    fail(
        f"There is no channel {plan.channel!r}. There are: {', '.join(c['name'] for c in channels) or 'none'}."
    )


def _view(
    session: Session, case: UseCase, channel: dict[str, Any], zone: str, pictures: Path | None
) -> dict[str, Any]:
    texts, plan = session.texts, session.plan
    played = [p for p in plan.parts if not session.kept.get(p.scenario, Kept()).skipped]
    played.sort(key=lambda part: SCENARIOS.index(BY_KEY[part.scenario]))
    scenarios = [_scenario(part, session, zone, pictures) for part in played]
    wrong = sum(not s["passed"] for s in scenarios)
    passed = bool(scenarios) and not wrong
    count = str(len(scenarios))
    now = datetime.fromtimestamp(SystemClock().now() / 1000, UTC).astimezone(ZoneInfo(zone))
    keys = {part.scenario for part in played}
    return {
        "language": plan.language,
        "passed": passed,
        "title": case.names[plan.language],
        "verdict": texts.word("all_passed", count=count)
        if passed
        else texts.word("some_failed", count=count, wrong=str(wrong)),
        "facts": [
            (texts.word("use_case"), f"{case.names[plan.language]} ({case.key})"),
            (texts.word("country"), line_catalogue.countries()[case.region].names[plan.language]),
            (texts.word("account"), plan.account or channel["name"]),
            (texts.word("channel"), str(channel["line_channel_id"])),
            (texts.word("template"), plan.template),
            (texts.word("played_on"), f"{now:%Y-%m-%d %H:%M} ({zone})"),
            (texts.word("versions"), f"Todoke {__version__}"),
        ],
        "summary": [
            {k: s[k] for k in ("number", "key", "group", "title", "state", "saw", "passed")}
            for s in scenarios
        ],
        "left_out": [
            (s.number, texts.scenario(s.key, "title"), texts.word("left_out.chosen"))
            for s in SCENARIOS
            if s.key not in keys
        ],
        "scenarios": scenarios,
    }


def _scenario(part: Part, session: Session, zone: str, pictures: Path | None) -> dict[str, Any]:
    texts, scenario = session.texts, BY_KEY[part.scenario]
    kept = session.kept.get(part.scenario, Kept())
    notice = session.notice(kept)
    finished = session.finished(part)
    found = _checks(scenario.key, kept, notice)
    steps = [caption for _, caption in STEPS[scenario.key]]
    shots = photos(pictures, scenario.key)
    captions = [texts.caption(c) for c in steps] + [texts.word("photo")] * len(shots)
    return {
        "number": scenario.number,
        "key": scenario.key,
        "group": texts.group(scenario.group),
        "title": texts.scenario(scenario.key, "title"),
        "what": texts.scenario(scenario.key, "what"),
        "expected": texts.scenario(scenario.key, "expected"),
        "state": texts.word(f"state.{notice['state']}") if notice else "–",
        "saw": f"{sum(not s.note for s in kept.said)} / {len(steps)}",
        "passed": finished and all(check.holds for check in found),
        "error": None if finished else texts.word("not_finished"),
        "film": None,
        "pictures": [
            {"src": data_uri(kind, content), "caption": caption, "at": ""}
            for (kind, content), caption in zip(shots, captions, strict=False)
        ],
        "notes": [
            *([(texts.word("tester"), part.person)] if part.person else []),
            *((texts.caption(s.caption), s.note or "✓") for s in kept.said),
        ],
        "checks": [
            {
                "side": texts.word(f"side.{c.side}"),
                "what": texts.word(f"check.{c.what}"),
                "expected": _words(c.what, c.expected, texts),
                "found": _words(c.what, c.found, texts),
                "holds": c.holds,
            }
            for c in found
        ],
        "sent": [],
        "sms": [],
        "posted": [],
        "when": [
            {
                "at": local(e["at"], zone),
                "who": texts.word("who.gateway"),
                "what": event_words(e, texts),
            }
            for e in (notice or {}).get("timeline", ())
        ],
    }


def _checks(key: str, kept: Kept, notice: dict[str, Any] | None) -> list[Check]:
    """The gateway's side as in any run; of the phone, what the person confirmed."""
    if notice is None:
        return []
    expected = BY_KEY[key].expected
    attempts = [[a["step"], a["outcome"] or "none"] for a in notice["attempts"]]
    late = any(a.get("late_duplicate") for a in notice["attempts"])
    count = len(STEPS[key])
    return [
        Check(GATEWAY, "state", expected.state, notice["state"]),
        Check(GATEWAY, "attempts", [list(pair) for pair in expected.attempts], attempts),
        Check(GATEWAY, "late_duplicate", expected.late_duplicate, late),
        Check(PHONE, "said", count, sum(not s.note for s in kept.said)),
    ]


def _words(what: str, value: Any, texts: Texts) -> str:
    return str(value) if what == "said" else worded(what, value, texts)
