"""Every example request, answer and error of LINE's notification reference, as it stands there.

Source: LINE notification messages API reference, https://developers.line.biz/en/reference/line-notification-messages/
and its Japanese twin (https://developers.line.biz/ja/reference/line-notification-messages/). The requests differ from
the page only in what it leaves open: the access token, and `{hashed_phone_number}`.
"""

from __future__ import annotations

from typing import Any

from emulator_support import FLEXIBLE_PATH, TEMPLATE_PATH, RunningEmulator, Sink

PHONE = "+818000001234"
HASH = "d41e0ad70dddfeb68f149ad6fc61574b9c5780ab7bcb2fba5517771ffbb2409c"
"""Of +818000001234, as "Hash the phone number" of the technical specifications has it."""
TAG = "15034552939884E28681A7D668CEA94C147C716C0EC9DFE8B80B44EF3B57F6BD0602366BC3menu01"


def template_request(emphasized: str, contents: tuple[str, str, str, str], **more: Any) -> dict[str, Any]:
    """The example of "Send a LINE notification message (template)"; the pages differ in their words only."""
    keys = ("time_range_001_ja", "number_001_ja", "price_001_ja", "name_010_ja")
    return {
        "to": HASH,
        "templateKey": "shipment_completed_ja",
        "body": {
            "emphasizedItem": {"itemKey": "date_002_ja", "content": emphasized},
            "items": [
                {"itemKey": key, "content": content} for key, content in zip(keys, contents, strict=True)
            ],
            "buttons": [
                {
                    "buttonKey": "check_delivery_status_ja",
                    "url": "https://example.com/CheckDeliveryStatus/",
                },
                {"buttonKey": "contact_ja", "url": "https://example.com/ContactUs/"},
            ],
        },
        **more,
    }


JAPANESE = template_request("2024年8月10日(土)", ("午前中", "1234567", "12,000円", "スープセット（冷凍）"))
ENGLISH = template_request(
    "Saturday, August 10, 2024",
    ("A.M.", "1234567", "120 USD", "Frozen Soup Set"),
    customAggregationUnits=["shipping"],
)
FLEXIBLE = {
    "to": HASH,
    "messages": [{"type": "text", "text": "Hello, world1"}, {"type": "text", "text": "Hello, world2"}],
    "customAggregationUnits": ["shipping"],
}


class Line:
    """A channel and a user who gets everything; `post` sends as the examples do."""

    def __init__(self, emulator: RunningEmulator, channel: dict[str, Any]) -> None:
        self.emulator = emulator
        self.channel = channel

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        bearer = {"Authorization": f"Bearer {self.channel['access_token']}", **headers}
        reply = await self.emulator.request("POST", path, body, bearer)
        assert reply.headers["x-line-request-id"]
        return reply.status, reply.json

    async def get(self, path: str) -> tuple[int, Any]:
        reply = await self.emulator.get(self.channel, path)
        return reply.status, reply.json


async def line(emulator: RunningEmulator, **values: Any) -> Line:
    await emulator.user(PHONE)
    return Line(emulator, await emulator.channel(**values))


def changed(request: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {**request, **values}


async def test_the_example_request_of_the_template_kind_is_202_and_an_empty_object(
    emulator: RunningEmulator, sink: Sink
) -> None:
    shop = await line(emulator, webhook_url=sink.url)
    tag = {"X-Line-Delivery-Tag": TAG, "Content-Type": "application/json"}
    assert await shop.post(TEMPLATE_PATH, JAPANESE, **tag) == (202, {})
    assert (await sink.got(1))[0]["delivery"] == {"data": TAG}


async def test_the_english_example_is_refused_only_for_its_emphasised_item_over_15_characters(
    emulator: RunningEmulator,
) -> None:
    shop = await line(emulator)
    assert await shop.post(TEMPLATE_PATH, ENGLISH) == (
        400,
        {
            "message": "The request body has 1 error(s)",
            "details": [
                {"message": "Length must be between 0 and 15", "property": "body.emphasizedItem.content"}
            ],
        },
    )
    short = template_request(
        "Sat, Aug 10", ("A.M.", "1234567", "120 USD", "Frozen Soup Set"), customAggregationUnits=["shipping"]
    )
    assert await shop.post(TEMPLATE_PATH, short) == (202, {})


async def test_the_example_item_and_the_example_button_are_accepted(emulator: RunningEmulator) -> None:
    shop = await line(emulator)
    body = {
        "items": [{"itemKey": "time_range_001_ja", "content": "A.M."}],
        "buttons": [{"buttonKey": "contact_ja", "url": "https://example.com/ContactUs/"}],
    }
    assert await shop.post(TEMPLATE_PATH, changed(JAPANESE, body=body)) == (202, {})


async def test_the_example_of_a_template_that_is_not_granted(emulator: RunningEmulator) -> None:
    shop = await line(emulator)
    assert await shop.post(TEMPLATE_PATH, changed(JAPANESE, templateKey="reserve_004")) == (
        400,
        {
            "message": "Invalid templateKey: reserve_004",
            "details": [
                {
                    "message": "The specified template doesn't exist, or you don't have the permission",
                    "property": "templateKey",
                }
            ],
        },
    )


async def test_the_example_of_an_item_that_does_not_exist(emulator: RunningEmulator) -> None:
    shop = await line(emulator)
    body = {"items": [{"itemKey": "datetime_000", "content": "A.M."}]}
    assert await shop.post(TEMPLATE_PATH, changed(JAPANESE, body=body)) == (
        400,
        {
            "message": "The request body has 1 invalid key(s).",
            "details": [
                {
                    "message": "The specified item key does not exist: datetime_000",
                    "property": "body.items[0].itemKey",
                }
            ],
        },
    )


async def test_the_example_of_an_item_given_twice(emulator: RunningEmulator) -> None:
    shop = await line(emulator)
    item = {"itemKey": "date_002_ja", "content": "8月10日"}
    assert await shop.post(
        TEMPLATE_PATH, changed(JAPANESE, body={"emphasizedItem": item, "items": [item]})
    ) == (
        400,
        {
            "message": "The request body has 1 error(s)",
            "details": [
                {
                    "message": "Duplicate itemKey in items or between emphasizedItem and items are not allowed: "
                    "date_002_ja",
                    "property": "body.emphasizedItem.itemKey",
                }
            ],
        },
    )


NO_DIGEST = {
    "message": "The request body has 1 error(s)",
    "details": [{"message": "The value must be a valid SHA-256 digest.", "property": "to"}],
}
BAD_UNIT = {
    "message": "The request body has 1 error(s)",
    "details": [
        {
            "message": "Invalid characters are included in custom aggregation unit",
            "property": "customAggregationUnits[0]",
        }
    ],
}


async def test_the_example_of_an_invalid_destination_in_both_kinds(emulator: RunningEmulator) -> None:
    shop = await line(emulator)
    assert await shop.post(TEMPLATE_PATH, changed(JAPANESE, to=PHONE)) == (400, NO_DIGEST)
    assert await shop.post(FLEXIBLE_PATH, changed(FLEXIBLE, to=PHONE)) == (400, NO_DIGEST)


async def test_the_example_of_a_unit_name_with_invalid_characters_in_both_kinds(
    emulator: RunningEmulator,
) -> None:
    shop = await line(emulator)
    for path, request in ((TEMPLATE_PATH, JAPANESE), (FLEXIBLE_PATH, FLEXIBLE)):
        wrong = changed(request, customAggregationUnits=["ship-ping"])
        assert await shop.post(path, wrong) == (400, BAD_UNIT)


async def test_the_example_of_an_account_without_permission(emulator: RunningEmulator) -> None:
    shop = await line(emulator, badge="grey")
    assert await shop.post(TEMPLATE_PATH, JAPANESE) == (
        403,
        {"message": "Access to this API is not available for your account"},
    )


async def test_the_example_of_a_message_that_cannot_be_sent_in_both_kinds(emulator: RunningEmulator) -> None:
    shop = await line(emulator)
    await emulator.user(PHONE, reception="reject")
    for path, request in ((TEMPLATE_PATH, JAPANESE), (FLEXIBLE_PATH, FLEXIBLE)):
        assert await shop.post(path, request) == (422, {"message": "Failed to send messages"})


async def test_the_example_requests_of_the_flexible_kind_are_200_and_an_empty_object(
    emulator: RunningEmulator, sink: Sink
) -> None:
    shop = await line(emulator, webhook_url=sink.url)
    assert await shop.post(FLEXIBLE_PATH, FLEXIBLE) == (200, {})
    assert await shop.post(FLEXIBLE_PATH, FLEXIBLE, **{"X-Line-Delivery-Tag": TAG}) == (200, {})
    assert [event["delivery"]["data"] for event in await sink.got(2)] == [HASH, TAG]


async def test_the_examples_of_both_counts(emulator: RunningEmulator) -> None:
    await emulator.control("POST", "/reset")
    await emulator.clock(mode="paused", set="2021-12-31T00:00:00Z")
    shop = await line(emulator)
    for _ in range(3):
        await shop.post(FLEXIBLE_PATH, FLEXIBLE)
    await emulator.clock(set="2024-09-16T00:00:00Z")
    await emulator.user(PHONE)
    for _ in range(3):
        await shop.post(TEMPLATE_PATH, JAPANESE)
    await emulator.clock(advance="24h")
    three = {"status": "ready", "success": 3}
    assert await shop.get("/v2/bot/message/delivery/pnp/templated?date=20240916") == (200, three)
    assert await shop.get("/v2/bot/message/delivery/pnp?date=20211231") == (200, three)


async def test_the_example_of_an_invalid_date_in_both_counts(emulator: RunningEmulator) -> None:
    shop = await line(emulator)
    wrong = 400, {"message": "The value for the 'date' parameter is invalid"}
    for path in ("/v2/bot/message/delivery/pnp/templated", "/v2/bot/message/delivery/pnp"):
        for query in ("?date=20240931", "?date=tomorrow", ""):
            assert await shop.get(path + query) == wrong
