"""Rich menus: made, given a picture, set for all, linked to users, found by aliases."""

from __future__ import annotations

import copy
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import Reply, RunningEmulator
from line_emulator.world import rich_menu_rules
from line_emulator.world.rich_menus import rich_menu_of, switched

PHONE, OTHER = "+819012345678", "+819087654321"
MENU, USER = "/v2/bot/richmenu", "/v2/bot/user"
TAP = {"type": "postback", "data": "action=buy&itemid=123"}
AREA = {"bounds": {"x": 0, "y": 0, "width": 2500, "height": 1686}, "action": TAP}
OBJECT = {
    "size": {"width": 2500, "height": 1686},
    "selected": False,
    "name": "Nice rich menu",
    "chatBarText": "Tap to open",
    "areas": [AREA],
}
NOWHERE = f"richmenu-{'0' * 32}"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 2500, height: int = 1686) -> bytes:
    """A real picture: one black bit a pixel."""
    rows = (b"\0" + bytes((width + 7) // 8)) * height
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg(width: int, height: int) -> bytes:
    """The head of one: a comment, then the frame with the size."""
    frame = b"\xff\xc0" + struct.pack(">HBHH", 11, 8, height, width) + b"\x01\x01\x11\x00"
    return b"\xff\xd8\xff\xfe\x00\x06abcd" + frame + b"\xff\xd9"


async def call(
    emulator: RunningEmulator,
    channel: dict[str, Any],
    method: str,
    path: str,
    data: Any = None,
    kind: str | None = None,
) -> Reply:
    headers = {"Authorization": f"Bearer {channel['access_token']}"}
    if kind is not None:
        headers["Content-Type"] = kind
    return await emulator.request(method, path, data, headers)


async def made(emulator: RunningEmulator, channel: dict[str, Any], picture: bool = True, **more: Any) -> str:
    """A rich menu; its id."""
    menu_id = (await call(emulator, channel, "POST", MENU, {**OBJECT, **more})).json["richMenuId"]
    if picture:
        reply = await call(emulator, channel, "POST", f"{MENU}/{menu_id}/content", png(), "image/png")
        assert reply.status == 200
    return str(menu_id)


async def friend(emulator: RunningEmulator, channel: dict[str, Any], phone: str) -> str:
    user = await emulator.user(phone)
    await emulator.act(phone, "add_friend", channel_id=channel["channel_id"])
    return str(user["user_id"])


def seen(emulator: RunningEmulator, channel: dict[str, Any], phone: str) -> str | None:
    """The id of the rich menu that this user sees."""
    world = emulator.state.world
    menu = rich_menu_of(world, world.channels[channel["channel_id"]], world.people.find_phone(phone))
    return None if menu is None else menu.menu_id


async def test_a_rich_menu_is_created_shown_listed_and_deleted(emulator: RunningEmulator) -> None:
    channel, other = await emulator.channel(), await emulator.channel(name="Bank")
    menu_id = await made(emulator, channel, picture=False)
    assert menu_id.startswith("richmenu-")
    shown = {"richMenuId": menu_id, **OBJECT}
    assert (await call(emulator, channel, "GET", f"{MENU}/{menu_id}")).json == shown
    assert (await call(emulator, channel, "GET", f"{MENU}/list")).json == {"richmenus": [shown]}
    assert (await call(emulator, other, "GET", f"{MENU}/list")).json == {"richmenus": []}
    assert (await call(emulator, other, "DELETE", f"{MENU}/{menu_id}")).status == 404
    deleted = await call(emulator, channel, "DELETE", f"{MENU}/{menu_id}")
    assert (deleted.status, deleted.json) == (200, {})
    for method in ("GET", "DELETE"):
        gone = await call(emulator, channel, method, f"{MENU}/{menu_id}")
        assert (gone.status, gone.json) == (404, {"message": "Not found"})


def changed(path: str, value: Any) -> dict[str, Any]:
    """The example with another value at a place like `areas.0.bounds.x`."""
    menu = copy.deepcopy(OBJECT)
    *holders, last = path.split(".")
    holder: Any = menu
    for name in holders:
        holder = holder[int(name)] if isinstance(holder, list) else holder[name]
    holder[last] = value
    return menu


@pytest.mark.parametrize(
    ("path", "value", "property_"),
    [
        ("name", None, "name"),
        ("name", "n" * 301, "name"),
        ("chatBarText", None, "chatBarText"),
        ("chatBarText", "c" * 15, "chatBarText"),
        ("selected", None, "selected"),
        ("areas", None, "areas"),
        ("areas", [AREA] * 21, "areas"),
        ("size", None, "size"),
        ("size.width", None, "size.width"),
        ("size.width", 799, "size.width"),
        ("size.width", 2501, "size.width"),
        ("size.height", 249, "size.height"),
        ("size.height", 1725, "size"),
        ("areas.0.bounds", None, "areas[0].bounds"),
        ("areas.0.bounds.x", -1, "areas[0].bounds.x"),
        ("areas.0.bounds.x", 1, "areas[0].bounds"),
        ("areas.0.bounds.height", 1687, "areas[0].bounds"),
        ("areas.0.bounds.width", 0, "areas[0].bounds.width"),
        ("areas.0.action", None, "areas[0].action"),
        ("areas.0.action", {"type": "postback"}, "areas[0].action.data"),
        ("areas.0.action", {"type": "uri", "uri": "ftp://shop.example/"}, "areas[0].action.uri"),
        ("areas.0.action", {"type": "camera", "label": "x"}, "areas[0].action.type"),
    ],
)
async def test_a_rich_menu_object_is_checked(
    emulator: RunningEmulator, path: str, value: Any, property_: str
) -> None:
    channel = await emulator.channel()
    menu = changed(path, value)
    refused = await call(emulator, channel, "POST", f"{MENU}/validate", menu)
    assert refused.status == 400
    assert refused.json["message"] == "The request body has 1 error(s)"
    assert [detail["property"] for detail in refused.json["details"]] == [property_]
    if value is None:
        assert refused.json["details"][0]["message"] == "must be specified"
    assert (await call(emulator, channel, "POST", MENU, menu)).json == refused.json
    assert (await call(emulator, channel, "POST", f"{MENU}/validate", OBJECT)).json == {}


@pytest.mark.parametrize(
    ("path", "value"),
    [("size", 7), ("size.width", "2500"), ("areas", {}), ("areas.0", []), ("selected", "no"), ("name", 7)],
)
async def test_a_rich_menu_with_a_value_of_the_wrong_type_is_named(
    emulator: RunningEmulator, path: str, value: Any
) -> None:
    channel = await emulator.channel()
    menu = dict(OBJECT, areas=[value]) if path == "areas.0" else changed(path, value)
    refused = await call(emulator, channel, "POST", MENU, menu)
    name = path.replace(".0", "[0]")
    text = f"The property, {name}, in the request body is invalid (line: -, column: -)"
    assert (refused.status, refused.json) == (400, {"message": text})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLACES = st.sampled_from(
    ["size", "size.width", "name", "selected", "areas", "areas.0.bounds", "areas.0.bounds.x"]
    + [f"areas.0.action{rest}" for rest in ("", ".type", ".data", ".label", ".altUri")]
)


@given(PLACES, VALUES)
def test_whatever_stands_in_a_rich_menu_it_is_taken_or_refused_with_400(path: str, value: Any) -> None:
    menu = changed(path, value)
    problem = rich_menu_rules.menu_problem(menu)
    if problem is None:
        assert rich_menu_rules.menu_problem(rich_menu_rules.trimmed(menu)) is None
    else:
        assert problem.status == 400


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b""]), st.binary(max_size=64))
def test_any_bytes_are_a_picture_with_a_size_or_none(head: bytes, rest: bytes) -> None:
    size = rich_menu_rules.image_size(head + rest)
    assert size is None or all(0 <= side < 2**32 for side in size)


async def test_what_a_rich_menu_object_does_not_know_is_not_kept(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    uri = {"type": "uri", "uri": "https://a.example/", "altUri": {"desktop": "https://b.example/", "x": "y"}}
    area = {**AREA, "action": {**uri, "junk": "j" * 1000}, "junk": 1}
    menu_id = await made(emulator, channel, picture=False, areas=[area], junk="j" * 1000)
    kept = (await call(emulator, channel, "GET", f"{MENU}/{menu_id}")).json
    clean = {**uri, "altUri": {"desktop": "https://b.example/"}}
    assert kept == {**OBJECT, "richMenuId": menu_id, "areas": [{**AREA, "action": clean}]}


async def test_100_rich_menus_an_hour_can_be_made_and_deleted_and_1000_kept(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    found = [(await call(emulator, channel, "POST", MENU, OBJECT)).status for _ in range(101)]
    assert found == [200] * 100 + [429]
    deleted = [(await call(emulator, channel, "DELETE", f"{MENU}/{NOWHERE}")).status for _ in range(101)]
    assert deleted == [404] * 100 + [429]
    for _ in range(9):
        emulator.state.limits.clear()
        for _ in range(100):
            assert (await call(emulator, channel, "POST", MENU, OBJECT)).status == 200
    emulator.state.limits.clear()
    full = await call(emulator, channel, "POST", MENU, OBJECT)
    assert full.status == 400
    assert "1000" in full.json["message"]


async def test_a_picture_is_uploaded_once_and_downloaded(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    menu_id = await made(emulator, channel, picture=False)
    path, picture = f"{MENU}/{menu_id}/content", png()
    assert (await call(emulator, channel, "GET", path)).status == 404
    assert (await call(emulator, channel, "POST", path, picture, "image/gif")).status == 415
    assert (await call(emulator, channel, "POST", path, picture, "image/png")).json == {}
    again = await call(emulator, channel, "POST", path, picture, "image/png")
    assert again.json == {"message": "An image has already been uploaded to the richmenu"}
    got = await call(emulator, channel, "GET", path)
    assert (got.status, got.headers["Content-Type"], got.body) == (200, "image/png", picture)
    phone = f"/_emulator/v1/channels/{channel['channel_id']}/rich_menus/{menu_id}/image"
    shown = await emulator.request("GET", phone)
    assert (shown.status, shown.headers["Content-Type"], shown.body) == (200, "image/png", picture)
    assert (await emulator.request("GET", phone.replace(menu_id, NOWHERE))).status == 404
    nowhere = await call(emulator, channel, "POST", f"{MENU}/{NOWHERE}/content", picture, "image/png")
    assert (nowhere.status, nowhere.json) == (404, {"message": "Not found"})


@pytest.mark.parametrize(
    ("picture", "kind"),
    [
        (png(799, 250), "image/png"),
        (png(800, 249), "image/png"),
        (png(800, 552), "image/png"),
        (png() + bytes(1024 * 1024), "image/png"),
        (jpeg(2501, 800), "image/jpeg"),
        (b"GIF89a" + bytes(100), "image/png"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0\xff", "image/jpeg"),
        (b"\xff\xd8" + b"\xff\xe0\x00\x00" * 50, "image/jpeg"),
        (b"", "image/jpeg"),
    ],
)
async def test_a_picture_of_another_kind_or_size_is_refused(
    emulator: RunningEmulator, picture: bytes, kind: str
) -> None:
    channel = await emulator.channel()
    menu_id = await made(emulator, channel, picture=False)
    refused = await call(emulator, channel, "POST", f"{MENU}/{menu_id}/content", picture, kind)
    assert (refused.status, refused.json) == (400, {"message": "The image size is not allowed for richmenu"})


async def test_a_picture_over_2_mb_is_413(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    path = f"{MENU}/{NOWHERE}/content"
    assert (await call(emulator, channel, "POST", path, bytes(2**21 + 1), "image/png")).status == 413


def test_the_size_of_a_picture_is_read_from_its_head() -> None:
    assert rich_menu_rules.image_size(png(1200, 405)) == (1200, 405)
    assert rich_menu_rules.image_size(jpeg(2500, 843)) == (2500, 843)


async def test_a_default_rich_menu_needs_a_picture_and_is_seen_by_all_but_who_blocks(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    await friend(emulator, channel, PHONE)
    await emulator.user(OTHER)
    menu_id, bare = await made(emulator, channel), await made(emulator, channel, picture=False)
    path = f"{USER}/all/richmenu"
    unset = await call(emulator, channel, "GET", path)
    assert (unset.status, unset.json) == (404, {"message": "no default richmenu"})
    early = await call(emulator, channel, "POST", f"{path}/{bare}")
    text = "must upload richmenu image before applying it to user"
    assert (early.status, early.json) == (400, {"message": text})
    assert (await call(emulator, channel, "POST", f"{path}/{NOWHERE}")).status == 404
    assert seen(emulator, channel, PHONE) is None
    assert (await call(emulator, channel, "POST", f"{path}/{menu_id}")).json == {}
    assert (await call(emulator, channel, "GET", path)).json == {"richMenuId": menu_id}
    assert seen(emulator, channel, PHONE) == seen(emulator, channel, OTHER) == menu_id
    await emulator.act(OTHER, "block", channel_id=channel["channel_id"])
    assert seen(emulator, channel, OTHER) is None
    assert (await call(emulator, channel, "DELETE", path)).json == {}
    assert (await call(emulator, channel, "GET", path)).status == 404
    assert seen(emulator, channel, PHONE) is None


async def test_a_friend_sees_a_rich_menu_of_their_own_and_who_is_no_friend_never_does(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    user_id = await friend(emulator, channel, PHONE)
    stranger = (await emulator.user(OTHER))["user_id"]
    own, default = await made(emulator, channel), await made(emulator, channel)
    await call(emulator, channel, "POST", f"{USER}/all/richmenu/{default}")
    for each in (user_id, stranger, f"U{'0' * 32}"):
        linked = await call(emulator, channel, "POST", f"{USER}/{each}/richmenu/{own}")
        assert (linked.status, linked.json) == (200, {})
    assert (await call(emulator, channel, "GET", f"{USER}/{user_id}/richmenu")).json == {"richMenuId": own}
    none = await call(emulator, channel, "GET", f"{USER}/{stranger}/richmenu")
    assert (none.status, none.json) == (404, {"message": "the user has no richmenu"})
    assert (seen(emulator, channel, PHONE), seen(emulator, channel, OTHER)) == (own, default)
    await emulator.act(OTHER, "add_friend", channel_id=channel["channel_id"])
    assert seen(emulator, channel, OTHER) == default
    assert (await call(emulator, channel, "DELETE", f"{USER}/{user_id}/richmenu")).json == {}
    assert (await call(emulator, channel, "GET", f"{USER}/{user_id}/richmenu")).status == 404
    assert seen(emulator, channel, PHONE) == default


async def test_a_link_outlasts_a_block(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    user_id = await friend(emulator, channel, PHONE)
    own = await made(emulator, channel)
    await call(emulator, channel, "POST", f"{USER}/{user_id}/richmenu/{own}")
    await emulator.act(PHONE, "block", channel_id=channel["channel_id"])
    assert seen(emulator, channel, PHONE) is None
    assert (await call(emulator, channel, "GET", f"{USER}/{user_id}/richmenu")).status == 404
    await emulator.act(PHONE, "unblock", channel_id=channel["channel_id"])
    assert seen(emulator, channel, PHONE) == own


async def test_linking_refuses_malformed_ids_unknown_menus_and_menus_without_a_picture(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    user_id = await friend(emulator, channel, PHONE)
    bare = await made(emulator, channel, picture=False)
    invalid = {"message": "The value for the 'userId' parameter is invalid"}
    for method, path in (("POST", f"/richmenu/{bare}"), ("GET", "/richmenu"), ("DELETE", "/richmenu")):
        reply = await call(emulator, channel, method, f"{USER}/U123{path}")
        assert (reply.status, reply.json) == (400, invalid)
    assert (await call(emulator, channel, "POST", f"{USER}/{user_id}/richmenu/{bare}")).status == 400
    nowhere = await call(emulator, channel, "POST", f"{USER}/{user_id}/richmenu/{NOWHERE}")
    assert (nowhere.status, nowhere.json) == (404, {"message": "Not found"})


async def test_a_deleted_rich_menu_is_gone_from_all_who_saw_it(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    user_id = await friend(emulator, channel, PHONE)
    own, default = await made(emulator, channel), await made(emulator, channel)
    await call(emulator, channel, "POST", f"{USER}/all/richmenu/{default}")
    await call(emulator, channel, "POST", f"{USER}/{user_id}/richmenu/{own}")
    await call(emulator, channel, "DELETE", f"{MENU}/{own}")
    assert (await call(emulator, channel, "GET", f"{USER}/{user_id}/richmenu")).status == 404
    assert seen(emulator, channel, PHONE) == default
    await call(emulator, channel, "DELETE", f"{MENU}/{default}")
    assert (await call(emulator, channel, "GET", f"{USER}/all/richmenu")).status == 404
    assert seen(emulator, channel, PHONE) is None


async def test_rich_menus_are_linked_and_unlinked_for_up_to_500_users_at_once(
    emulator: RunningEmulator,
) -> None:
    channel = await emulator.channel()
    ids = [await friend(emulator, channel, phone) for phone in (PHONE, OTHER)]
    menu_id, link = await made(emulator, channel), f"{MENU}/bulk/link"
    done = await call(emulator, channel, "POST", link, {"richMenuId": menu_id, "userIds": ids})
    assert (done.status, done.json) == (202, {})
    assert seen(emulator, channel, PHONE) == seen(emulator, channel, OTHER) == menu_id
    assert (await call(emulator, channel, "POST", f"{MENU}/bulk/unlink", {"userIds": ids})).status == 202
    assert seen(emulator, channel, PHONE) is None
    malformed = await call(emulator, channel, "POST", link, {"richMenuId": menu_id, "userIds": ["U1"]})
    text = "The property, 'userIds[0]', in the request body is invalid (line: -, column: -)"
    assert (malformed.status, malformed.json) == (400, {"message": text})
    invalid = await call(emulator, channel, "POST", link, {"richMenuId": "x", "userIds": ids})
    assert invalid.json["details"] == [{"message": "invalid richMenuId", "property": "richMenuId"}]
    nowhere = await call(emulator, channel, "POST", link, {"richMenuId": NOWHERE, "userIds": ids})
    assert (nowhere.status, nowhere.json) == (404, {"message": "richmenu not found"})
    for users in ([], ids * 251, None, "U"):
        body = {"richMenuId": menu_id, "userIds": users}
        assert (await call(emulator, channel, "POST", link, body)).status == 400


async def test_an_alias_leads_to_a_rich_menu_and_can_be_changed(emulator: RunningEmulator) -> None:
    channel = await emulator.channel()
    first, second = await made(emulator, channel), await made(emulator, channel)
    bare, path = await made(emulator, channel, picture=False), f"{MENU}/alias"
    body = {"richMenuAliasId": "tab-a", "richMenuId": first}
    assert (await call(emulator, channel, "POST", path, body)).json == {}
    taken = await call(emulator, channel, "POST", path, body)
    assert (taken.status, taken.json) == (400, {"message": "conflict richmenu alias id"})
    assert (await call(emulator, channel, "GET", f"{path}/tab-a")).json == body
    changed_to = await call(emulator, channel, "POST", f"{path}/tab-a", {"richMenuId": second})
    assert (changed_to.status, changed_to.json) == (200, {})
    listed = (await call(emulator, channel, "GET", f"{path}/list")).json
    assert listed == {"aliases": [{"richMenuAliasId": "tab-a", "richMenuId": second}]}
    world = emulator.state.world
    menu = switched(world, world.channels[channel["channel_id"]], "tab-a")
    assert menu is not None
    assert menu.menu_id == second
    for unfit in (bare, NOWHERE):
        refused = await call(emulator, channel, "POST", path, {**body, "richMenuId": unfit})
        assert (refused.status, refused.json) == (400, {"message": "richmenu not found"})
    assert (await call(emulator, channel, "DELETE", f"{path}/tab-a")).json == {}
    for method in ("GET", "DELETE"):
        gone = await call(emulator, channel, method, f"{path}/tab-a")
        assert (gone.status, gone.json) == (404, {"message": "richmenu alias not found"})
    for alias in ("TAB", "a" * 33, "", 7, None):
        wrong = {"richMenuAliasId": alias, "richMenuId": first}
        assert (await call(emulator, channel, "POST", path, wrong)).status == 400
    assert (await call(emulator, channel, "GET", f"{path}/TAB")).status == 400
