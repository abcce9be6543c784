"""Ordinary messages: to friends only, once each, whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from emulator_support import RunningEmulator
from gateway_support import RunningGateway, running_gateway
from storage_support import ids
from todoke.engine.messenger import Messenger
from todoke.settings import Settings
from todoke.storage import bindings, channels
from todoke.storage.bindings import Binding
from todoke.storage.database import Database

PHONE = "+886912345678"
STRANGER = "U" + "0" * 32
TEXT = "您的包裹改到明天送達。"
MESSAGES = [{"type": "text", "text": TEXT}]
PUSH = "/v2/bot/message/push"
PAUSED = ("channel.paused", "alarm.raised")
"""What is logged as an error when a channel pauses, as it should."""
PAGE = (Path(__file__).parents[2] / "docs" / "messages.md").read_text(encoding="utf-8")


def line_channel(gateway: RunningGateway) -> Any:
    (channel,) = gateway.emulator.state.world.channels.values()
    return channel


async def friend(gateway: RunningGateway, phone: str = PHONE) -> str:
    """A user who has added the account, as LINE's event told the gateway; their user ID."""
    user = await gateway.emulator.user(phone)
    await gateway.emulator.act(phone, "add_friend", channel_id=line_channel(gateway).channel_id)
    await gateway.settle()
    return str(user["user_id"])


async def bind(gateway: RunningGateway, user_id: str, number: str = PHONE) -> None:
    """The user has bound the number to their LINE account."""
    database = Database(f"sqlite:///{gateway.folder / 'todoke.db'}")
    try:
        async with database.write() as tx:
            (channel,) = await channels.list_channels(tx)
            row = Binding(
                id=ids.new(),
                account_id=channel.account_id,
                provider=channel.provider,
                number=number,
                user_id=user_id,
                way="a test",
                bound_at=1,
                created_at=1,
            )
            await bindings.insert_binding(tx, row)
    finally:
        await database.close()


async def post(gateway: RunningGateway, key: str | None = None, **body: Any) -> tuple[int, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    whole = {"channel": "Parcels", "messages": MESSAGES, **body}
    return await gateway.call("POST", "/v1/messages", whole, headers=headers)


async def sent(gateway: RunningGateway, **body: Any) -> str:
    status, taken = await post(gateway, **body)
    assert status == 202, taken
    return str(taken["id"])


async def message(gateway: RunningGateway, message_id: str) -> Any:
    return await gateway.ok("GET", f"/v1/messages/{message_id}")


def asked(gateway: RunningGateway) -> int:
    """How many pushes LINE saw, taken or not."""
    return sum(r.path == PUSH for r in gateway.emulator.state.requests)


async def shown(gateway: RunningGateway, phone: str = PHONE) -> list[str]:
    """The texts on the user's screen, in the account's chat."""
    screen = await gateway.emulator.screen(phone)
    return [
        part["text"]
        for chat in screen["chats"]
        if chat["from"] == line_channel(gateway).channel_id
        for entry in chat["messages"]
        for part in entry.get("messages") or [entry]
        if "text" in part
    ]


async def test_a_friend_gets_a_message_by_user_id_and_line_tells_no_more_than_that_it_took_it(
    gateway: RunningGateway,
) -> None:
    user_id = await friend(gateway)
    status, taken = await post(gateway, user_id=user_id, reference="chat-17")
    assert (status, taken["state"], taken["reference"]) == (202, "queued", "chat-17")
    await gateway.settle()
    assert await shown(gateway) == [TEXT]
    read = await message(gateway, taken["id"])
    assert (read["state"], read["outcome"], read["status"], read["tries"]) == (
        "handed_over",
        "accepted",
        200,
        1,
    )
    assert (read["messages"], read["user_id"]) == (MESSAGES, user_id)


async def test_a_friend_gets_a_message_by_a_number_that_they_have_bound(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    await bind(gateway, user_id)
    assert (await post(gateway, to="0912-345-678"))[1]["user_id"] == user_id
    await gateway.settle()
    assert await shown(gateway) == [TEXT]


async def test_to_may_be_a_user_id_as_line_says_it(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    status, taken = await post(gateway, to=user_id)
    assert (status, taken["user_id"]) == (202, user_id)
    status, problem = await post(gateway, to=STRANGER)
    assert (status, problem["type"]) == (409, "not-a-friend")
    assert (await post(gateway, to=user_id, user_id=user_id))[0] == 422


async def test_of_several_users_bound_to_a_number_the_friend_gets_it(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    await bind(gateway, user_id)
    await bind(gateway, STRANGER)
    assert (await post(gateway, to=PHONE))[1]["user_id"] == user_id


async def test_a_friend_gets_it_once_though_the_answer_was_lost(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    await gateway.emulator.fault("api", "disconnect_after", next=2, path=PUSH)
    message_id = await sent(gateway, user_id=user_id)
    await gateway.advance("1m")
    read = await message(gateway, message_id)
    assert (read["state"], read["status"], read["tries"]) == ("handed_over", 409, 3)
    assert await shown(gateway) == [TEXT]
    assert asked(gateway) == 3


@pytest.mark.parametrize("kind", ["disconnect_before", "status_before"])
async def test_a_request_that_line_never_took_is_made_again(gateway: RunningGateway, kind: str) -> None:
    user_id = await friend(gateway)
    await gateway.emulator.fault("api", kind, next=2, path=PUSH)
    message_id = await sent(gateway, user_id=user_id)
    await gateway.advance("1m")
    assert (await message(gateway, message_id))["state"] == "handed_over"
    assert await shown(gateway) == [TEXT]


async def test_a_process_that_dies_before_it_can_write_the_answer_down_leaves_no_double(
    line: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_gateway(line, tmp_path / "data") as first:
        await first.channel()
        user_id = await friend(first)
        port = int(first.url.rpartition(":")[2])

        async def dies(self: Messenger) -> None:
            self._told.clear()

        with monkeypatch.context() as patch:
            patch.setattr(Messenger, "_record", dies)
            message_id = await sent(first, user_id=user_id)
            await first.settle()
            assert (await message(first, message_id))["state"] == "sending"
            assert await shown(first) == [TEXT]
    async with running_gateway(line, tmp_path / "data", port=port) as second:
        await second.settle()
        read = await message(second, message_id)
        assert (read["state"], read["status"], read["tries"]) == ("handed_over", 409, 2)
        assert (await shown(second), asked(second)) == ([TEXT], 2)


async def refused(gateway: RunningGateway, kind: str, *words: str, **body: Any) -> None:
    """The message is 409, stored nowhere, and LINE hears nothing of it."""
    status, problem = await post(gateway, **body)
    assert (status, problem["type"]) == (409, kind)
    for word in words:
        assert word in problem["detail"], problem["detail"]
    assert "\n" not in problem["detail"]
    await gateway.settle()
    assert asked(gateway) == 0
    assert await gateway.emulator.ledger() == []
    assert (await gateway.ok("GET", "/v1/messages"))["messages"] == []


async def test_who_is_no_friend_is_refused_before_line_sees_it(gateway: RunningGateway) -> None:
    user = await gateway.emulator.user(PHONE)
    await refused(gateway, "not-a-friend", "not known as a friend", "sync", user_id=user["user_id"])
    await refused(gateway, "not-a-friend", "No LINE user is bound", "/v1/notices", to=PHONE)
    await bind(gateway, user["user_id"])
    await refused(gateway, "not-a-friend", "not known as a friend", to=PHONE)


async def test_who_has_blocked_the_account_is_refused_with_the_time(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    await gateway.emulator.act(PHONE, "block", channel_id=line_channel(gateway).channel_id)
    await gateway.settle()
    now = (await gateway.emulator.control("GET", "/clock"))["now"]
    await refused(gateway, "not-a-friend", "blocked", now[:13], "unfollow event", user_id=user_id)
    await gateway.emulator.act(PHONE, "unblock", channel_id=line_channel(gateway).channel_id)
    await gateway.settle()
    await sent(gateway, user_id=user_id)
    await gateway.settle()
    assert await shown(gateway) == [TEXT]


async def test_who_never_followed_and_blocks_is_refused_as_blocked(gateway: RunningGateway) -> None:
    user = await gateway.emulator.user(PHONE)
    await gateway.emulator.act(PHONE, "block", channel_id=line_channel(gateway).channel_id)
    await gateway.settle()
    await refused(gateway, "not-a-friend", "blocked", user_id=user["user_id"])


async def test_a_friend_of_another_account_is_a_stranger_here(gateway: RunningGateway) -> None:
    other = await gateway.channel("Other")
    user = await gateway.emulator.user(PHONE)
    await gateway.emulator.act(PHONE, "add_friend", channel_id=other["channel_id"])
    await gateway.settle()
    await refused(gateway, "not-a-friend", "not known as a friend", user_id=user["user_id"])
    await sent(gateway, user_id=user["user_id"], channel="Other")


async def test_where_line_is_emulated_every_number_counts_as_a_test_number(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    await gateway.ok("PATCH", "/v1/channels/Parcels", {"mode": "test", "test_numbers": []})
    await sent(gateway, user_id=user_id)
    await gateway.settle()
    assert await shown(gateway) == [TEXT]


async def test_in_test_mode_only_users_of_its_test_numbers_are_written_to(
    gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = await friend(gateway)
    tester = await friend(gateway, "+886987654321")
    await bind(gateway, user_id)
    await bind(gateway, tester, "+886987654321")
    monkeypatch.setattr(Settings, "line_is_emulated", property(lambda _: False))
    async with running_gateway(gateway.emulator, tmp_path / "strict", sms_carrier="none") as strict:
        await gateway.settle()
        await strict.ok("POST", "/v1/channels", _same_channel(gateway, ["0987654321"]))
        _copy(gateway, strict)
        for body in ({"user_id": user_id}, {"to": PHONE}):
            status, problem = await post(strict, **body)
            assert (status, problem["type"]) == (409, "not-a-test-number")
            assert "test mode" in problem["detail"]
        await sent(strict, to="0987654321")
        await sent(strict, user_id=tester)
        await strict.settle()
        assert await shown(strict, "+886987654321") == [TEXT, TEXT]
        assert await shown(strict) == []


def _same_channel(gateway: RunningGateway, test_numbers: list[str]) -> dict[str, Any]:
    channel = line_channel(gateway)
    return {
        "name": "Parcels",
        "region": "TW",
        "line_channel_id": channel.channel_id,
        "secret": channel.secret,
        "access_token": channel.access_token,
        "mode": "test",
        "test_numbers": test_numbers,
    }


def _copy(old: RunningGateway, new: RunningGateway) -> None:
    """What the one knows of friends and bindings, the other knows too."""
    with (
        sqlite3.connect(old.folder / "todoke.db") as source,
        sqlite3.connect(new.folder / "todoke.db") as target,
    ):
        ((channel_id, account_id),) = target.execute("select id, account_id from channels").fetchall()
        for user_id, state, since, how, event in source.execute(
            "select user_id, state, since, source, event_id from friends"
        ).fetchall():
            row = (channel_id, user_id, state, since, how, event)
            target.execute(
                "insert into friends (channel_id, user_id, state, since, source, event_id) values (?,?,?,?,?,?)",
                row,
            )
        for number, user_id in source.execute("select number, user_id from bindings").fetchall():
            row = (ids.new(), account_id, "default", number, user_id, "a test", 1, 1)
            target.execute(
                "insert into bindings (id, account_id, provider, number, user_id, way, bound_at, created_at) "
                "values (?,?,?,?,?,?,?,?)",
                row,
            )


async def test_a_used_up_quota_is_the_end_and_is_named(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    path = f"/channels/{line_channel(gateway).channel_id}"
    await gateway.emulator.control("PATCH", path, {"monthly_quota": 1})
    one, two = await sent(gateway, user_id=user_id), await sent(gateway, user_id=user_id)
    await gateway.advance("1h")
    ends = [await message(gateway, x) for x in (one, two)]
    assert sorted(x["state"] for x in ends) == ["handed_over", "not_delivered"]
    (lost,) = [x for x in ends if x["state"] == "not_delivered"]
    assert (lost["outcome"], lost["status"]) == ("throttled", 429)
    assert "monthly quota" in lost["detail"]
    assert asked(gateway) == 2


async def test_too_many_requests_come_again_a_little_later(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    await gateway.emulator.fault("api", "status_before", status=429, next=1, path=PUSH)
    message_id = await sent(gateway, user_id=user_id)
    await gateway.advance("1m")
    read = await message(gateway, message_id)
    assert (read["state"], read["tries"]) == ("handed_over", 2)


async def test_what_line_finds_invalid_ends_with_lines_words(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    message_id = await sent(gateway, user_id=user_id, messages=[{"type": "text", "text": "x" * 5001}])
    await gateway.settle()
    read = await message(gateway, message_id)
    assert (read["state"], read["outcome"], read["status"]) == ("not_delivered", "invalid", 400)
    assert "messages[0].text" in read["detail"]


@pytest.mark.parametrize("cure", ["resume", "token"])
async def test_a_refused_token_pauses_the_channel_and_its_messages_go_once_when_it_is_cured(
    gateway: RunningGateway, logged: list[Any], cure: str
) -> None:
    user_id = await friend(gateway)
    await gateway.emulator.fault("api", "status_before", status=401, next=1, path=PUSH)
    first = await sent(gateway, user_id=user_id)
    await gateway.settle()
    assert len([x for x in logged if x["event"] == "channel.paused"]) == 1
    channel = await gateway.ok("GET", "/v1/channels/Parcels")
    assert channel["state"] == "paused"
    assert "401" in channel["paused_why"]
    second = await sent(gateway, user_id=user_id)
    await gateway.advance("2d")
    assert asked(gateway) == 1
    assert {(await message(gateway, x))["state"] for x in (first, second)} == {"queued"}
    if cure == "resume":
        await gateway.ok("POST", "/v1/channels/Parcels/resume")
    else:
        token = line_channel(gateway).access_token
        await gateway.ok("PATCH", "/v1/channels/Parcels", {"access_token": token})
    await gateway.settle()
    assert {(await message(gateway, x))["state"] for x in (first, second)} == {"handed_over"}
    assert await shown(gateway) == [TEXT, TEXT]
    assert asked(gateway) == 3
    logged[:] = [x for x in logged if x["event"] not in PAUSED]


async def test_the_same_key_gets_the_same_answer_and_one_message(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    answers = await asyncio.gather(*(post(gateway, "chat-17", user_id=user_id) for _ in range(10)))
    assert {status for status, _ in answers} == {202}
    assert len({taken["id"] for _, taken in answers}) == 1
    status, problem = await post(gateway, "chat-17", user_id=user_id, reference="another")
    assert (status, problem["type"]) == (422, "idempotency-key-reused")
    await gateway.settle()
    assert await shown(gateway) == [TEXT]


async def test_a_refused_message_does_not_use_up_its_key(gateway: RunningGateway) -> None:
    user = await gateway.emulator.user(PHONE)
    assert (await post(gateway, "chat-17", user_id=user["user_id"]))[0] == 409
    assert (await post(gateway, "chat-17", user_id=await friend(gateway)))[0] == 202


async def test_messages_are_listed_the_newest_first_by_state_and_reference(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    made = [await sent(gateway, user_id=user_id, reference=f"r{n % 2}") for n in range(5)]
    await gateway.settle()

    async def listed(**query: str) -> Any:
        return await gateway.ok("GET", "/v1/messages", **query)

    page = await listed(limit="3")
    assert [x["id"] for x in page["messages"]] == made[:1:-1]
    rest = await listed(limit="3", cursor=page["next"])
    assert ([x["id"] for x in rest["messages"]], "next" in rest) == (made[1::-1], False)
    assert [x["id"] for x in (await listed(reference="r1"))["messages"]] == [made[3], made[1]]
    assert (await listed(state="queued"))["messages"] == []
    assert len((await listed(state="handed_over"))["messages"]) == 5
    assert TEXT not in str(page)
    for query in ({"state": "lost"}, {"cursor": "x"}, {"limit": "0"}):
        assert (await gateway.call("GET", "/v1/messages", **query))[0] == 422
    assert (await gateway.call("GET", "/v1/messages/none"))[0] == 404


async def raw(gateway: RunningGateway, body: bytes) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
    url = f"{gateway.url}/v1/messages"
    async with gateway.session.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.json()


def nested(depth: int) -> str:
    return '{"type":"flex","contents":' + "[" * depth + "]" * depth + "}"


WRONG_MESSAGES = {
    "none": "[]",
    "six": json.dumps(MESSAGES * 6),
    "no list": '{"type":"text","text":"x"}',
    "null": "null",
    "texts": '["x"]',
    "lists": "[[]]",
    "no type": '[{"text":"x"}]',
    "a type that is none": '[{"type":"fax"}]',
    "a type that is no text": '[{"type":["text"]}]',
    "a control character": '[{"type":"text","text":"a\\u0000b"}]',
    "a control character in a name": '[{"type":"text","te\\u0007xt":"a"}]',
    "half a character": '[{"type":"text","text":"\\ud800"}]',
    "half a character in a name": '[{"type":"text","\\ud800":"x"}]',
    "NaN": '[{"type":"text","text":NaN}]',
    "a huge number": '[{"type":"text","text":' + "9" * 400 + "}]",
    "infinity": '[{"type":"text","text":1e999}]',
    "deep": f"[{nested(40)}]",
    "deeper": f"[{nested(900)}]",
    "101 KB": json.dumps([{"type": "text", "text": "x" * 101 * 1024}]),
    "nearly 1 MB": json.dumps([{"type": "text", "text": "x" * 999_000}]),
}


@pytest.mark.parametrize("messages", WRONG_MESSAGES.values(), ids=WRONG_MESSAGES)
async def test_messages_that_can_not_be_sent_are_422_with_their_place(
    gateway: RunningGateway, messages: str
) -> None:
    user_id = await friend(gateway)
    body = f'{{"channel":"Parcels","user_id":"{user_id}","messages":{messages}}}'
    status, problem = await raw(gateway, body.encode())
    assert status == 422, problem
    assert problem["errors"][0]["pointer"].startswith("/messages")
    assert len(problem["detail"]) < 400
    await gateway.settle()
    assert asked(gateway) == 0


async def test_no_depth_of_nesting_is_too_much_for_an_answer(gateway: RunningGateway) -> None:
    for depth in range(800, 1100, 5):
        body = f'{{"channel":"Parcels","user_id":"{STRANGER}","messages":[{nested(depth)}]}}'
        assert (await raw(gateway, body.encode()))[0] in (400, 422), depth


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({}, "/to"),
        ({"to": PHONE, "user_id": STRANGER}, "/to"),
        ({"to": "02-2345-6789"}, "/to"),
        ({"to": ["0912345678"]}, "/to"),
        ({"user_id": "U123"}, "/user_id"),
        ({"user_id": STRANGER + "\n"}, "/user_id"),
        ({"user_id": STRANGER.replace("0", "F")}, "/user_id"),
        ({"user_id": 5}, "/user_id"),
        ({"user_id": STRANGER, "channel": "other"}, "/channel"),
        ({"user_id": STRANGER, "channel": "\ud800"}, "/channel"),
        ({"user_id": STRANGER, "reference": "x" * 101}, "/reference"),
        ({"user_id": STRANGER, "colour": "red"}, "/colour"),
    ],
)
async def test_a_wrong_field_is_422_with_its_place(
    gateway: RunningGateway, change: dict[str, Any], pointer: str
) -> None:
    status, problem = await post(gateway, **change)
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    assert PHONE not in str(problem)


async def test_neither_user_ids_nor_texts_stand_in_the_log(
    gateway: RunningGateway, logged: list[Any]
) -> None:
    user_id = await friend(gateway)
    await bind(gateway, user_id)
    for kind in ("disconnect_before", "disconnect_after", "status_before"):
        await gateway.emulator.fault("api", kind, next=1, path=PUSH)
    await gateway.emulator.fault("api", "status_before", status=400, next=1, path=PUSH)
    for _ in range(3):
        await sent(gateway, to=PHONE)
        await gateway.advance("1m")
    await post(gateway, user_id=STRANGER)
    await gateway.emulator.fault("api", "status_before", status=403, next=1, path=PUSH)
    await sent(gateway, user_id=user_id)
    await gateway.settle()
    assert [x for x in logged if x["event"] == "channel.paused"]
    told = str(logged) + str(await gateway.call("GET", "/metrics"))
    for secret in (user_id, STRANGER, TEXT, PHONE, PHONE[4:], line_channel(gateway).access_token):
        assert secret not in told
    logged[:] = [x for x in logged if x["event"] not in PAUSED]


async def test_the_samples_of_the_page_reach_a_friend(gateway: RunningGateway, tmp_path: Path) -> None:
    user_id = await friend(gateway)
    (shell,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    (python,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (sample,) = set(re.findall(r"U[0-9a-f]{32}", PAGE))

    async def run(*command: str, code: str) -> str:
        code = code.replace("http://127.0.0.1:8700", gateway.url).replace(sample, user_id)
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("TODOKE_")},
            "KEY": gateway.key,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TODOKE_DATA_DIR": str(gateway.folder),
            "TODOKE_BASE_URL": gateway.url,
        }
        process = await asyncio.create_subprocess_exec(
            *command, code, env=env, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        return out.decode()

    told = await run("bash", "-euc", code=shell)
    assert '"reference":"chat-17"' in told.replace('": "', '":"')
    (by_command,) = re.findall(r"Taken: (\w{26})", told)
    state, problem = (await run(sys.executable, "-c", code=python)).splitlines()
    assert state in {"queued", "sending", "handed_over"}
    assert problem == "409 not-a-friend"
    await gateway.settle()
    assert sorted(await shown(gateway)) == sorted([TEXT, TEXT, "您好!"])
    assert "LINE took it" in await run("bash", "-euc", code=f"todoke status {by_command}")
    as_json = await run("bash", "-euc", code=f"todoke status {by_command} --json")
    assert json.loads(as_json)["state"] == "handed_over"
    (tmp_path / "m.json").write_text(json.dumps({"messages": MESSAGES}))
    flags = "--channel Parcels --file m.json --json"
    taken = await run("bash", "-euc", code=f"todoke message {sample} {flags}")
    assert json.loads(taken)["state"] == "queued"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("", "either --text or --file"),
        ("--text x --file m.json", "either --text or --file"),
        ("--file none.json", "can't be read"),
        ("--file broken.json", "is not JSON"),
        ("--file text.json", "no message objects"),
        ("--text x", "not known as a friend"),
    ],
)
async def test_the_command_says_in_one_line_what_is_wrong(
    gateway: RunningGateway, tmp_path: Path, flags: str, words: str
) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "text.json").write_text('"x"')
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "todoke"),
        "message",
        STRANGER,
        "--channel",
        "Parcels",
        *flags.split(),
        env={"TODOKE_DATA_DIR": str(gateway.folder), "TODOKE_BASE_URL": gateway.url},
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode
    assert words in errors.decode()
    assert "Traceback" not in errors.decode()


@pytest.mark.parametrize(
    ("meanwhile", "detail"),
    [
        ("unbound", "no longer bound"),
        ("doubted", "may be another person's"),
        ("suppressed", "suppressed"),
        (None, None),
    ],
)
async def test_a_message_to_a_number_that_waited_is_not_sent_to_who_had_the_number_before(
    gateway: RunningGateway, meanwhile: str | None, detail: str | None
) -> None:
    user_id = await friend(gateway)
    await bind(gateway, user_id)
    database = Database(f"sqlite:///{gateway.folder / 'todoke.db'}")
    async with database.write() as tx:
        (channel,) = await channels.list_channels(tx)
        await channels.update_channel(tx, channel.id, paused_at=1, paused_why="a test")
    await database.close()
    message_id = await sent(gateway, to=PHONE)
    await gateway.settle()
    (binding,) = (await gateway.ok("GET", "/v1/bindings"))["bindings"]
    if meanwhile == "unbound":
        await gateway.ok("DELETE", f"/v1/bindings/{binding['id']}")
    elif meanwhile == "doubted":
        await gateway.ok("POST", f"/v1/bindings/{binding['id']}/doubt")
    elif meanwhile == "suppressed":
        await gateway.ok("POST", "/v1/suppressions", {"number": PHONE, "scope": "all", "reason": "manual"})
    await gateway.ok("POST", "/v1/channels/Parcels/resume")
    await gateway.settle()
    read = await message(gateway, message_id)
    if detail is None:
        assert (read["state"], await shown(gateway)) == ("handed_over", [TEXT])
    else:
        assert (read["state"], detail in read["detail"]) == ("not_delivered", True)
        assert await shown(gateway) == []


async def test_a_reference_of_todokes_own_messages_is_refused(gateway: RunningGateway) -> None:
    user_id = await friend(gateway)
    assert (await post(gateway, user_id=user_id, reference="todoke:binding"))[0] == 422
