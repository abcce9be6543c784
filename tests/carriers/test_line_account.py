"""The questions that doctor and channels ask LINE: answers, or one line each."""

from typing import Any

from todoke.carriers.line import LineAccount


async def test_answers(serve: Any, does: Any, http: Any) -> None:
    server = await serve(
        does.answering(
            200,
            b'{"userId":"U1","basicId":"@b","displayName":"Shop","endpoint":"https://x/","active":true,'
            b'"success":false,"statusCode":500,"reason":"ERROR_STATUS_CODE","detail":"500","client_id":"165",'
            b'"expires_in":9,"scope":"P","error":"not ours","status":"neither"}',
        )
    )
    account = LineAccount(http, server.url)
    bot = await account.bot_info("t")
    assert (bot.ok, bot.user_id, bot.basic_id, bot.display_name) == (True, "U1", "@b", "Shop")
    endpoint = await account.get_webhook_endpoint("t")
    assert (endpoint.endpoint, endpoint.active) == ("https://x/", True)
    assert (await account.set_webhook_endpoint("t", "https://y/")).endpoint == "https://y/"
    test = await account.test_webhook_endpoint("t")
    assert (test.ok, test.success, test.status_code, test.reason) == (
        True,
        False,
        500,
        "ERROR_STATUS_CODE",
    )
    token = await account.verify("t")
    assert (token.client_id, token.expires_in) == ("165", 9)
    assert [request.split(b" HTTP")[0] for request in server.requests] == [
        b"GET /v2/bot/info",
        b"GET /v2/bot/channel/webhook/endpoint",
        b"PUT /v2/bot/channel/webhook/endpoint",
        b"POST /v2/bot/channel/webhook/test",
        b"POST /v2/oauth/verify",
    ]
    assert server.requests[2].endswith(b'{"endpoint": "https://y/"}')


async def test_errors_are_lines_not_exceptions(serve: Any, does: Any, http: Any, refusing_url: str) -> None:
    denied = await serve(does.answering(401, b'{"message":"Authentication failed"}'))
    unset = await serve(does.answering(404, b'{"message":"Webhook endpoint not found"}'))
    strange = await serve(does.answering(200, b"<html>"))
    unverified = await serve(
        does.answering(400, b'{"error":"invalid_request","error_description":"access token expired"}')
    )
    hanging = await serve(does.hanging_up)
    assert "issue a new channel access token" in str(
        (await LineAccount(http, denied.url).bot_info("t")).error
    )
    none = await LineAccount(http, unset.url).get_webhook_endpoint("t")
    assert (none.ok, none.endpoint) == (True, "")
    assert "check the base URL" in str((await LineAccount(http, strange.url).bot_info("t")).error)
    token = await LineAccount(http, unverified.url).verify("t")
    assert token.error == "invalid_request: access token expired"
    assert len(unverified.requests) == 2
    assert "try again" in str((await LineAccount(http, hanging.url).test_webhook_endpoint("t")).error)
    assert "could not connect" in str((await LineAccount(http, refusing_url).bot_info("t")).error)
    assert "garbled" in str((await LineAccount(http, refusing_url).bot_info("a b")).error)
