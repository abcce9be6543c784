"""`todoke channels connect`: tells LINE where this gateway is."""

import asyncio
from typing import Any

from todoke.actions.channels import DEFAULT_ACCOUNT
from todoke.carriers.line import LineAccount, make_session
from todoke.cli.common import fail, out, print_json, settings
from todoke.cli.doctor.findings import about
from todoke.cli.doctor.webhook import explain
from todoke.sealing import CannotUnseal
from todoke.settings import Settings, SettingsError
from todoke.storage import channels as store
from todoke.storage.database import StorageError
from todoke.wiring import open_base


def connect(name: str, *, as_json: bool) -> None:
    """Sets and tests the webhook URL; ends with 1 where LINE does not reach it."""
    try:
        result = asyncio.run(_connect(settings(), name))
    except (SettingsError, StorageError, CannotUnseal) as error:
        fail(str(error))
    if as_json:
        print_json(result)
    else:
        out.print(f"The webhook URL at LINE is now {result['webhook_url']}", soft_wrap=True)
    if not result["reached"]:
        fail(result["why"])
    if not as_json:
        out.print("LINE reaches it. Switch webhook redelivery on at LINE: that can't be done over the API.")


async def _connect(current: Settings, name: str) -> dict[str, Any]:
    base = await open_base(current)
    try:
        async with base.database.read() as tx:
            account = await store.account_by_name(tx, DEFAULT_ACCOUNT)
            channel = await store.find_channel(tx, account or "", name)
        if channel is None:
            fail(f"There is no channel {name!r}. todoke channels list shows them.")
        if channel.access_token is None:
            fail(
                f"The channel {channel.name} has no access token yet: a running gateway gets one from LINE, and "
                f"todoke doctor says why it has none. Or set one: todoke channels token {channel.name!r} FILE"
            )
        token = base.seal.open(channel.access_token)
        url = f"{current.base_url}/line/{channel.line_channel_id}/webhook"
        async with make_session(total=10.0) as http:
            line = LineAccount(http, current.line_api_base)
            done = await line.set_webhook_endpoint(token, url)
            if not done.ok:
                fail(f"LINE did not take the webhook URL {url}: {done.error}")
            tested = await line.test_webhook_endpoint(token)
    finally:
        await base.database.close()
    reached = tested.ok and tested.success
    finding = explain(tested, url, about("webhook"))
    return {
        "webhook_url": url,
        "reached": reached,
        "why": None if reached else f"{finding.text} {finding.remedy}",
    }
