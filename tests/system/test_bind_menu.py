"""The default rich menu as a place of the bind link, by taps in the emulator."""

from __future__ import annotations

import struct
from typing import Any

from bind_support import BERT, Person, person
from gateway_support import RunningGateway

SIZE = {"width": 2500, "height": 843}


async def put_menu(gateway: RunningGateway, line_channel_id: str) -> None:
    """The calls of docs/binding.md, as LINE takes them."""
    emulated = await gateway.emulator.control("GET", f"/channels/{line_channel_id}")
    headers = {"Authorization": f"Bearer {emulated['access_token']}"}
    tap = {"type": "postback", "data": "todoke:bind", "displayText": "綁定手機"}
    areas = [{"bounds": {"x": 0, "y": 0, **SIZE}, "action": tap}]
    menu = {"size": SIZE, "selected": True, "name": "Connect", "chatBarText": "Menu", "areas": areas}
    made = await gateway.emulator.request("POST", "/v2/bot/richmenu", menu, headers)
    assert made.status == 200, made
    path = f"/v2/bot/richmenu/{made.json['richMenuId']}"
    frame = b"\xff\xc0" + struct.pack(">HBHH", 11, 8, SIZE["height"], SIZE["width"]) + b"\x01\x01\x11\x00"
    picture = b"\xff\xd8" + frame + b"\xff\xd9"
    sent = await gateway.emulator.request(
        "POST", f"{path}/content", picture, headers | {"Content-Type": "image/jpeg"}
    )
    assert sent.status == 200, sent
    default = f"/v2/bot/user/all/richmenu/{made.json['richMenuId']}"
    assert (await gateway.emulator.request("POST", default, None, headers)).status == 200


async def taps_menu(gateway: RunningGateway, who: Person) -> None:
    """Taps the one area of the rich menu that this user's phone shows."""
    screen = await gateway.emulator.screen(who.phone)
    (shown,) = [x for x in screen["channels"] if x["channel_id"] == who.channel]
    action: dict[str, Any] = shown["rich_menu"]["areas"][0]["action"]
    await gateway.emulator.act(
        who.phone,
        "postback",
        channel_id=who.channel,
        target=action["data"],
        display_text=action["displayText"],
    )
    await gateway.settle()


async def test_a_friend_who_taps_the_rich_menu_gets_a_personal_link_and_others_are_told_to_add_the_account(
    gateway: RunningGateway,
) -> None:
    anna, bert = await person(gateway), await person(gateway, BERT)
    await put_menu(gateway, anna.channel)
    await anna.adds_friend()
    # From here on, so that no greeting has made a link before.
    await gateway.greets()
    await taps_menu(gateway, anna)
    assert "/b/" in await anna.button()
    (link,) = (await gateway.ok("GET", "/v1/bind-links"))["bind_links"]
    assert (link["way"], link["user_id"]) == ("menu", anna.user_id)
    # Whether somebody is a friend is surely known once LINE's followers list was read.
    await gateway.ok("POST", "/v1/channels/Parcels/friends/sync")
    await gateway.settle()
    await taps_menu(gateway, bert)
    assert len((await gateway.ok("GET", "/v1/bind-links"))["bind_links"]) == 1
    (told,) = (x for x in await bert.chat() if x != "綁定手機")
    assert "好友" in told
