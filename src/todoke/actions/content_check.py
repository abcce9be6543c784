"""The content check of templates' versions and of notices: what stands in the way of sending them."""

import asyncio

import msgspec

import line_catalogue
from todoke.actions import key_lists
from todoke.core.content.check import About
from todoke.core.content.codes import CODES
from todoke.core.content.finding import Finding, Severity
from todoke.core.content.note import of_policy
from todoke.core.content.timing import Timing
from todoke.core.durations import DAY, parse_duration
from todoke.core.review import Review
from todoke.core.routing import Policy
from todoke.core.template import Template
from todoke.rules import load_rules
from todoke.storage import applications, content, content_rules, overrulings
from todoke.storage.channels import Channel
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx
from todoke.storage.desks import Checked, Desks
from todoke.storage.overrulings import Overruling

RECHECKED = (Review.DRAFT, Review.CHANGES_WANTED, Review.REJECTED)
"""What was approved, or is with LINE, keeps its verdict until somebody asks for another one."""


async def about(tx: Tx, channel: Channel, use_case: str) -> About:
    """What the checks of a template must know beside its text."""
    found = await applications.applications(tx, channel.account_id, key=use_case, channel_id=channel.id)
    known = line_catalogue.use_case(channel.region, use_case)
    application = found[-1] if found else None
    urgency = known.urgency if known else (application.urgency if application else None) or "1d"
    wait = line_catalogue.waits().get(urgency, "4h")  # type: ignore[call-overload]
    return About(
        country=channel.region,
        no_verification=bool(application and application.no_verification),
        timing=_timing(known, application.timing if application else None),
        urgent=wait == "sms_first" or parse_duration(wait) < DAY,
    )


def about_of_country(country: str | None, use_case: str) -> About:
    """The same where no channel is known."""
    known = line_catalogue.use_case(country, use_case) if country is not None else None
    wait = line_catalogue.waits()[known.urgency if known else "1d"]
    return About(
        country=country,
        timing=_timing(known, None),
        urgent=wait == "sms_first" or parse_duration(wait) < DAY,
    )


async def timing_of(tx: Tx, channel: Channel, use_case: str) -> Timing:
    """How a use case of this channel stands to the time of what it tells of."""
    known = line_catalogue.use_case(channel.region, use_case)
    if known is not None:
        return _timing(known, None)
    found = await applications.applications(tx, channel.account_id, key=use_case, channel_id=channel.id)
    return _timing(None, found[-1].timing if found else None)


def _timing(known: line_catalogue.UseCase | None, own: str | None) -> Timing:
    return Timing(known.timing if known is not None else own or "none")


async def find(tx: Tx, channel: Channel, template: Template, desks: Desks) -> tuple[list[Finding], str]:
    """What the check finds in a template now, and by which rules."""
    check = await desks.check(tx, channel.account_id)
    known = await about(tx, channel, template.use_case)
    # A large template takes some tens of milliseconds, and others are waiting.
    found = await asyncio.to_thread(check.template, template, known)
    return [*await key_lists.findings(tx, channel, template.spec), *found], check.version


async def of_version(
    tx: Tx,
    channel: Channel,
    row: TemplateRow,
    template: Template,
    desks: Desks,
    *,
    store: bool = False,
    fresh: bool = False,
) -> Checked:
    """A version as the content check sees it now.

    A draft is checked by the rules of now; what was submitted or approved keeps its verdict, unless there is none yet.
    `store`: what is found is kept, in a transaction that may write. `fresh`: look again, whatever is remembered.
    """
    version, check = await desks.current(tx, row.account_id)
    if not fresh and (kept := desks.kept(row.id, version)) is not None:
        return kept
    # Whoever holds a row may have read it before it was checked anew.
    (row,) = await content.templates_by_ids(tx, [row.id])
    may_change = row.findings is None or row.review in RECHECKED
    if row.findings is None or (may_change and (fresh or row.rules_version != check.version)):
        found, rules_version = await find(tx, channel, template, desks)
        if store and (row.findings, row.rules_version) != (encoded(found), rules_version):
            await overrulings.put_findings(tx, row.id, encoded(found), rules_version)
            if row.findings is not None:
                await content_rules.count_up(tx, row.account_id, "content check")
    else:
        found = decoded(row.findings)
    stand = [x for x in await overrulings.of_template(tx, row.id) if x.withdrawn_at is None]
    checked = Checked(
        check=check,
        findings=tuple(found),
        standing=tuple(x for x in standing(found, stand) if not check.is_off(x.code)),
        values=check.values(template, channel.region, _excused(stand)),
    )
    desks.keep(row.id, version, checked)
    return checked


async def recheck(tx: Tx, channel: Channel, row: TemplateRow, template: Template, desks: Desks) -> bool:
    """Checks a version anew and keeps what is found. Answers whether that differs from what was known."""
    found, version = await find(tx, channel, template, desks)
    text = encoded(found)
    if (row.findings, row.rules_version) == (text, version):
        return False
    changed = row.findings != text
    await overrulings.put_findings(tx, row.id, text, version)
    await content_rules.count_up(tx, row.account_id, "content check")
    row.findings, row.rules_version = text, version
    return changed


def standing(found: list[Finding], stand: list[Overruling]) -> list[Finding]:
    """The errors that no overruling lifts."""
    lifted = {(x.code, x.pointer, x.words) for x in stand}
    return [x for x in found if x.severity is Severity.ERROR and (x.code, x.pointer, x.words) not in lifted]


def _excused(stand: list[Overruling]) -> list[tuple[str, str]]:
    """Codes that were overruled for a parameter, and its name."""
    return [(x.code, x.pointer.split("/")[2]) for x in stand if x.pointer.startswith("/parameters/")]


def encoded(found: list[Finding]) -> str:
    """Findings as they are stored."""
    return msgspec.json.encode(found).decode()


def decoded(text: str | None) -> list[Finding]:
    return [] if text is None else msgspec.json.decode(text, type=list[Finding])


def codes() -> frozenset[str]:
    """All codes that the checks which come with Todoke may give."""
    return frozenset(CODES) | {rule.code for rule in load_rules()}


def late_duplicate(checked: Checked, template: Template, policy: Policy, country: str) -> list[str]:
    """What to say where this policy may make a late duplicate and the SMS is not ready for that."""
    return of_policy(policy, *checked.check.note_lacks(template, country))
