"""What the doctor sees of the work that is done: SMS carriers, webhooks that came, templates, alarms."""

import re
from collections import Counter
from collections.abc import Sequence

import aiohttp

from todoke.carriers.smpp import SmppCarrier
from todoke.carriers.sms_http import SmsHttpCarrier
from todoke.cli.doctor.findings import Finding, many
from todoke.settings import Settings, SettingsError
from todoke.storage import alarms as alarm_store
from todoke.storage import content, health
from todoke.storage.channels import Channel
from todoke.wiring import Base, sms_carriers

LOOKED_THROUGH = 5000
"""Requests of LINE in which a redelivered event is looked for."""
_REDELIVERED = re.compile(rb'"isRedelivery"\s*:\s*true')


def sms(current: Settings, http: aiohttp.ClientSession) -> list[Finding]:
    """The declarations, in the order in which their carriers are tried."""
    if not current.sms_carriers:
        return [
            Finding(
                "warning",
                "SMS",
                "no carrier is set up: what LINE can't deliver ends undelivered.",
                "Set TODOKE_SMS_CARRIER; docs/sms-carriers.md says how.",
            )
        ]
    try:
        carriers = sms_carriers(current, http, "doctor")
    except SettingsError as error:
        return [Finding("error", "SMS", str(error))]
    return [
        _carrier(c, f", number {n} of {len(carriers)}" if n > 1 else "") for n, c in enumerate(carriers, 1)
    ]


def _carrier(carrier: SmsHttpCarrier | SmppCarrier, place: str) -> Finding:
    text = f"the carrier {carrier.name} is set up{place}"
    if not carrier.gives_proof:
        return Finding("note", "SMS", f"{text}; it gives no receipts: its notices end as handed_over.")
    if isinstance(carrier, SmppCarrier):
        # A second bind would be refused by many providers, or throw the gateway's link out.
        return Finding(
            "note",
            "SMS",
            f"{text}; its SMPP link is the running gateway's, whose alarms say if it is lost.",
        )
    return Finding("ok", "SMS", f"{text}.")


async def flagged_templates(base: Base, channels: Sequence[Channel]) -> list[Finding]:
    """Those whose content LINE refused."""
    found = []
    async with base.database.read() as tx:
        for account in sorted({c.account_id for c in channels}):
            found += [t for t in await content.list_templates(tx, account) if t.flagged_at is not None]
    return [
        Finding(
            "warning",
            f"template {t.name}",
            f"LINE refused its content ({t.flagged_why}).",
            "Mend it, push it again.",
        )
        for t in found
    ]


TOLD_WITH_THE_CHANNEL = frozenset({"channel_paused", "token_trouble", "hub_target_failing"})
"""The look at each channel, and at each target of the hub, has said these already."""


async def alarms(base: Base, channels: Sequence[Channel]) -> list[Finding]:
    """What the gateway itself has noticed and what still stands."""
    names = {c.id: f"channel {c.name}" for c in channels}
    async with base.database.read() as tx:
        standing = await alarm_store.standing(tx)
    return [
        Finding("warning", f"alarm {a.kind}", f"{names.get(a.about, a.about)}: {a.text}", a.remedy)
        for a in standing
        if a.kind not in TOLD_WITH_THE_CHANNEL
    ]


async def redelivery(base: Base, channels: Sequence[Channel]) -> list[Finding]:
    """LINE has no API that reads this switch; an event that came again is evidence."""
    async with base.database.read() as tx:
        came = await health.latest_bodies(tx, "line", LOOKED_THROUGH)
    again = Counter(channel_id for channel_id, body in came if _REDELIVERED.search(body) is not None)
    findings = [
        Finding(
            "ok",
            f"channel {c.name}",
            f"webhook redelivery is on: LINE posted {many(again[c.id], 'request')} again.",
        )
        for c in channels
        if again[c.id]
    ]
    unsure = [c.name for c in channels if not again[c.id]]
    if unsure:
        findings.append(
            Finding(
                "note",
                "redelivery",
                "whether LINE's webhook redelivery is on can't be read over the API, and nothing has come again yet "
                f"for {_named(unsure)}.",
                'See in the LINE Developers Console, Messaging API, that "Webhook redelivery" is on: else what comes '
                "while the gateway is down is lost.",
            )
        )
    return findings


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
