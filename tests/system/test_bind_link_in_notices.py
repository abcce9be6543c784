"""A template's `{{bind_link}}`: each request that leaves has an address of its own, and nobody else can make one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from todoke.links import TOKEN_LENGTH, Links, Page

PHONE, NUMBER = "+886912345678", "0912345678"
CONNECT = "{{name}},連結 LINE:{{bind_link}}"
SMS = {"steps": [{"step": "sms"}]}
NOTIFICATION = {"steps": [{"step": "line_notification", "wait": "1h"}]}
EVERYTHING: dict[str, Any] = {
    "sms": CONNECT,
    "flexible": [{"type": "text", "text": CONNECT}],
    "push": [{"type": "text", "text": CONNECT}],
}
BODY = {"channel": "Parcels", "template": "parcel", "to": NUMBER, "parameters": {"name": "小明"}}


def links_in(text: str) -> list[str]:
    return re.findall(rf"http://[^\s\"]+/b/[\w-]{{{TOKEN_LENGTH}}}(?![\w-])", text)


def read(gateway: RunningGateway, link: str) -> str | None:
    """The id in a link, by this installation's own key."""
    key = (gateway.folder / "secret.key").read_text().strip()
    return Links(key, gateway.url).read(Page.BIND, link.rpartition("/")[2])


async def texts(gateway: RunningGateway) -> list[str]:
    return [row["text"] for row in (await gateway.emulator.control("GET", "/sms"))["rows"]]


async def sent(gateway: RunningGateway, policy: Any) -> Any:
    notice_id = await gateway.send(NUMBER, policy)
    await gateway.settle()
    return await gateway.notice(notice_id)


async def test_an_sms_holds_a_link_that_names_its_attempt(gateway: RunningGateway) -> None:
    await gateway.template(**EVERYTHING)
    for _ in range(2):
        await sent(gateway, SMS)
    links = [link for text in await texts(gateway) for link in links_in(text)]
    assert len(set(links)) == 2
    assert all(link.startswith(f"{gateway.url}/b/") for link in links)
    notices = (await gateway.ok("GET", "/v1/notices"))["notices"]
    attempts = {a["delivery_tag"] for x in notices for a in (await gateway.notice(x["id"]))["attempts"]}
    assert {read(gateway, link) for link in links} == attempts


async def test_a_notification_holds_one_too(gateway: RunningGateway) -> None:
    await gateway.template(**EVERYTHING)
    await gateway.emulator.user(PHONE)
    notice = await sent(gateway, NOTIFICATION)
    screen = json.dumps(await gateway.emulator.screen(PHONE))
    assert [read(gateway, link) for link in set(links_in(screen))] == [notice["attempts"][0]["delivery_tag"]]


async def test_a_dry_run_shows_an_example_of_the_same_length_that_leads_nowhere(
    gateway: RunningGateway,
) -> None:
    await gateway.template(**EVERYTHING)
    planned = await gateway.ok("POST", "/v1/notices", {**BODY, "policy": SMS}, dry_run="true")
    (example,) = links_in(planned["steps"][0]["text"])
    assert read(gateway, example) is None
    await sent(gateway, SMS)
    (real,) = links_in((await texts(gateway))[-1])
    assert len(example) == len(real)
    cost = await gateway.ok("GET", "/v1/reports/cost")
    (line,) = cost["lines"]
    assert line["segments"] == planned["steps"][0]["segments"], "what is paid counts the link"


async def test_a_caller_can_not_hand_it_in_and_a_template_can_not_declare_it(gateway: RunningGateway) -> None:
    await gateway.template(**EVERYTHING)
    given = {**BODY, "parameters": {"name": "小明", "bind_link": "https://evil.example"}}
    status, refusal = await gateway.call("POST", "/v1/notices", given)
    assert (status, "leave it out" in str(refusal)) == (422, True)
    declared = {
        "name": {"type": "text", "example": "x"},
        "bind_link": {"type": "url", "example": "https://x.y"},
    }
    spec = {
        "channel": "Parcels",
        "name": "other",
        "use_case": "delivery",
        "parameters": declared,
        "sms": CONNECT,
    }
    status, refusal = await gateway.call("POST", "/v1/templates", spec)
    assert (status, "filled in by Todoke" in str(refusal)) == (422, True)


async def test_a_list_needs_no_column_for_it(gateway: RunningGateway) -> None:
    await gateway.template(**EVERYTHING)
    status, batch = await gateway.upload("phone,name\n0912345678,小明\n0987654321,小華\n".encode())
    assert status == 202, batch
    await gateway.settle()
    await gateway.advance("2d")
    links = [link for text in await texts(gateway) for link in links_in(text)]
    assert len(set(links)) == 2


async def test_an_address_that_is_too_long_for_a_link_is_said_before_anything_is_sent(
    line: RunningEmulator, tmp_path: Path
) -> None:
    base = "https://" + "a" * 60 + "." + "b" * 40 + ".example"
    async with running_gateway(line, tmp_path, base_url=base) as gateway:
        await gateway.channel()
        await gateway.template(**EVERYTHING)
        notice = await sent(gateway, SMS)
        assert notice["state"] in ("not_delivered", "refused")
        assert "shorten TODOKE_BASE_URL" in notice["skipped"][0]["why"]
        assert await texts(gateway) == []
