"""/v1/channels/{channel}/friends: counts, the list, and LINE's followers list read into it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from gateway_support import RunningGateway
from notice_support import START
from todoke.actions.channels import create_key, ensure_account
from todoke.ids import UlidIds
from todoke.storage.database import Database

CHANNEL = "/v1/channels/Parcels"


async def key_of_another_account(gateway: RunningGateway) -> str:
    """A key that opens an account without channels."""
    database = Database(f"sqlite:///{gateway.folder / 'todoke.db'}")
    try:
        async with database.write() as tx:
            account = await ensure_account(tx, "somebody else", START, UlidIds())
            return (await create_key(tx, account, "key", START, UlidIds()))[1]
    finally:
        await database.close()


def phone(number: int) -> str:
    return f"+88691{number:07}"


async def befriend(gateway: RunningGateway, channel_id: str, count: int) -> list[str]:
    """New users who add the account; their user IDs."""
    found = []
    for number in range(count):
        found.append((await gateway.emulator.user(phone(number)))["user_id"])
        await gateway.emulator.act(phone(number), "add_friend", channel_id=channel_id)
    return found


async def line_id(gateway: RunningGateway, name: str = "Parcels") -> str:
    return str((await gateway.ok("GET", f"/v1/channels/{name}"))["line_channel_id"])


async def all_users(gateway: RunningGateway, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await gateway.ok("GET", f"{CHANNEL}/friends/list", limit="2", **query, **cursor)
        assert len(page["friends"]) <= 2
        found += page["friends"]
        if "next" not in page:
            return found
        cursor = {"cursor": page["next"]}


async def test_before_anything_is_known_the_counts_are_zero_and_there_was_no_sync(
    gateway: RunningGateway,
) -> None:
    found = await gateway.ok("GET", f"{CHANNEL}/friends")
    assert found["counts"] == {"friend": 0, "blocked": 0, "unlisted": 0}
    assert found["sync"]["state"] in ("never", "queued")
    assert (found["sync"]["finished_at"], found["sync"]["found"]) == (None, 0)


async def test_follows_and_blocks_are_known_from_events_with_when_and_from_where(
    gateway: RunningGateway,
) -> None:
    anna, bo = await befriend(gateway, await line_id(gateway), 2)
    await gateway.settle()
    await gateway.advance("1m")
    await gateway.emulator.act(phone(1), "block", channel_id=await line_id(gateway))
    await gateway.settle()
    known = {x["user_id"]: x for x in await all_users(gateway)}
    assert {u: (x["state"], x["source"]) for u, x in known.items()} == {
        anna: ("friend", "follow event"),
        bo: ("blocked", "unfollow event"),
    }
    assert known[bo]["since"] > known[anna]["since"]
    assert (await gateway.ok("GET", f"{CHANNEL}/friends"))["counts"] == {
        "friend": 1,
        "blocked": 1,
        "unlisted": 0,
    }


async def test_a_sync_finds_friends_whose_events_never_came_and_misses_who_is_not_listed(
    gateway: RunningGateway,
) -> None:
    channel_id = await line_id(gateway)
    known, gone = await befriend(gateway, channel_id, 2)
    await gateway.settle()
    await gateway.emulator.fault("webhook", "drop")
    users = [(await gateway.emulator.user(phone(n)))["user_id"] for n in range(10, 15)]
    for n in range(10, 15):
        await gateway.emulator.act(phone(n), "add_friend", channel_id=channel_id)
    await gateway.emulator.act(phone(1), "block", channel_id=channel_id)
    await gateway.settle()
    status, asked = await gateway.call("POST", f"{CHANNEL}/friends/sync")
    assert (status, asked["sync"]["state"]) == (202, "queued")
    await gateway.settle()
    found = await gateway.ok("GET", f"{CHANNEL}/friends")
    assert found["counts"] == {"friend": 6, "blocked": 0, "unlisted": 1}
    sync = found["sync"]
    assert (sync["state"], sync["found"], sync["error"]) == ("finished", 6, None)
    assert sync["started_at"] <= sync["finished_at"] < sync["due_at"]
    listed = await all_users(gateway, state="friend")
    assert {x["user_id"]: x["source"] for x in listed} == {
        known: "follow event",
        **dict.fromkeys(users, "followers list"),
    }
    assert [x["user_id"] for x in listed] == sorted(x["user_id"] for x in listed)
    assert [x["user_id"] for x in await all_users(gateway, state="unlisted")] == [gone]


async def test_a_channel_is_read_by_itself_soon_after_it_was_registered(gateway: RunningGateway) -> None:
    await gateway.emulator.fault("webhook", "drop")
    await befriend(gateway, await line_id(gateway), 3)
    await gateway.advance("2m")
    found = await gateway.ok("GET", f"{CHANNEL}/friends")
    assert (found["sync"]["state"], found["counts"]["friend"]) == ("finished", 3)
    await gateway.advance("8d")
    again = await gateway.ok("GET", f"{CHANNEL}/friends")
    assert again["sync"]["started_at"] > found["sync"]["finished_at"]


async def test_an_unverified_account_is_told_what_to_do(gateway: RunningGateway) -> None:
    await gateway.channel("Grey", badge="grey")
    await gateway.ok("POST", "/v1/channels/Grey/friends/sync")
    await gateway.settle()
    sync = (await gateway.ok("GET", "/v1/channels/Grey/friends"))["sync"]
    assert sync["state"] == "unverified"
    assert "verified" in sync["error"]
    assert (await gateway.ok("GET", "/v1/channels/Grey"))["state"] == "active"


async def test_a_fault_at_line_is_waited_out(gateway: RunningGateway) -> None:
    await befriend(gateway, await line_id(gateway), 1)
    await gateway.emulator.fault("api", "status_before", status=503, path="/v2/bot/followers/ids", next=1)
    await gateway.ok("POST", f"{CHANNEL}/friends/sync")
    await gateway.settle()
    sync = (await gateway.ok("GET", f"{CHANNEL}/friends"))["sync"]
    assert (sync["state"], sync["found"]) == ("waiting", 0)
    assert sync["error"]
    await gateway.advance("1m")
    assert (await gateway.ok("GET", f"{CHANNEL}/friends"))["sync"]["state"] == "finished"


async def test_a_channel_without_a_token_is_not_asked_for(gateway: RunningGateway) -> None:
    made = await gateway.emulator.control(
        "POST", "/channels", {"name": "New", "region": "TW", "badge": "green"}
    )
    body = {"name": "New", "region": "TW", "line_channel_id": made["channel_id"], "secret": "wrong"}
    await gateway.ok("POST", "/v1/channels", body)
    await gateway.settle()
    status, problem = await gateway.call("POST", "/v1/channels/New/friends/sync")
    assert (status, problem["type"]) == (409, "no-access-token")


async def test_a_paused_channel_is_not_asked_for_until_it_is_resumed(
    gateway: RunningGateway, logged: list[Any]
) -> None:
    await befriend(gateway, await line_id(gateway), 1)
    await gateway.ok("PATCH", CHANNEL, {"access_token": "wrong"})
    await gateway.send("0912345678")
    await gateway.settle()
    status, problem = await gateway.call("POST", f"{CHANNEL}/friends/sync")
    assert (status, problem["type"]) == (409, "channel-paused")
    asked = len(gateway.emulator.state.requests)
    await gateway.advance("1h")
    assert len(gateway.emulator.state.requests) == asked
    sync = (await gateway.ok("GET", f"{CHANNEL}/friends"))["sync"]
    assert "paused" in sync["error"]
    (emulated,) = gateway.emulator.state.world.channels.values()
    await gateway.ok("PATCH", CHANNEL, {"access_token": emulated.access_token})
    await gateway.advance("2m")
    found = await gateway.ok("GET", f"{CHANNEL}/friends")
    assert (found["sync"]["state"], found["counts"]["friend"]) == ("finished", 1)
    logged[:] = [line for line in logged if line["event"] not in ("channel.paused", "alarm.raised")]


async def test_what_can_not_be_read_is_refused_with_its_place(gateway: RunningGateway) -> None:
    for path in ("", "/list"):
        assert (await gateway.call("GET", f"/v1/channels/nobody/friends{path}"))[0] == 404
    assert (await gateway.call("POST", "/v1/channels/nobody/friends/sync"))[0] == 404
    for query in ({"state": "lover"}, {"cursor": "\x00"}, {"cursor": "ü"}, {"limit": "0"}, {"limit": "1001"}):
        status, problem = await gateway.call("GET", f"{CHANNEL}/friends/list", **query)
        assert (status, problem["type"]) == (422, "invalid"), query


async def test_another_account_sees_nothing_of_a_channel(gateway: RunningGateway) -> None:
    gateway.key = await key_of_another_account(gateway)
    assert (await gateway.call("GET", f"{CHANNEL}/friends"))[0] == 404
    assert (await gateway.call("POST", f"{CHANNEL}/friends/sync"))[0] == 404


# The command


async def command(gateway: RunningGateway, *arguments: str) -> tuple[int, str, str]:
    """`todoke friends …` against this gateway."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "todoke"),
        "friends",
        *arguments,
        env={
            "PATH": os.environ["PATH"],
            "COLUMNS": "200",
            "TODOKE_BASE_URL": gateway.url,
            "TODOKE_API_KEY": gateway.key,
            "TODOKE_DATA_DIR": str(gateway.folder / "elsewhere"),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_command_waits_until_the_list_is_read_and_tells_the_counts(gateway: RunningGateway) -> None:
    await befriend(gateway, await line_id(gateway), 3)
    await gateway.settle()
    code, out, err = await command(gateway, "sync", "Parcels", "--wait", "--json")
    found = json.loads(out)
    assert (code, err, found["sync"]["state"], found["sync"]["found"]) == (0, "", "finished", 3)
    assert found["counts"] == {"friend": 3, "blocked": 0, "unlisted": 0}
    code, out, _ = await command(gateway, "show", "Parcels")
    assert code == 0
    assert "3  friends" in out
    assert "LINE's list was read" in out
    assert json.loads((await command(gateway, "show", "Parcels", "--json"))[1]) == found


async def test_the_command_fails_with_the_remedy_where_line_gives_no_list(gateway: RunningGateway) -> None:
    await gateway.channel("Grey", badge="grey")
    code, _, err = await command(gateway, "sync", "Grey", "--wait")
    assert code == 1
    assert "verified and premium accounts only" in err
    code, out, err = await command(gateway, "show", "nobody")
    assert (code, out) == (1, "")
    assert "There is no channel 'nobody'" in err
