"""What would happen to a notice: its steps with their texts, prices and times. Stores and sends nothing."""

import json
from typing import Any

import msgspec

from line_catalogue import Price
from todoke.actions import intake, reminders
from todoke.actions.facts import Asked, FactBook, Known
from todoke.actions.intake import Target, Wanted
from todoke.actions.refusals import since_when
from todoke.core.durations import format_duration, rfc3339
from todoke.core.phone import Phone, masked
from todoke.core.plan import Plan, Planned, plan
from todoke.core.policy_text import written
from todoke.core.routing import LINE_STEPS, Friendship, Step
from todoke.core.sms_text import segments
from todoke.core.suppression import Scope, tells_of_suppression
from todoke.core.template import in_language, render_line, render_push, render_sms, with_link
from todoke.reports.prices import Prices, amount
from todoke.server.services import Services
from todoke.storage import suppressions
from todoke.storage.database import Tx
from todoke.storage.notices import NewNotice
from todoke.storage.suppressions import Suppression


async def explain(tx: Tx, target: Target, wanted: Wanted, parts: Services) -> dict[str, Any]:
    """The answer of a dry run. Raises what taking the notice in would raise."""
    now = parts.clock.now()
    notice, phone = intake.make_notice(target, wanted, now, parts.ids, even_if_not_live=True)
    target = msgspec.structs.replace(target, template=in_language(target.template, notice.language))
    asked = Asked(
        number=phone.e164,
        country=phone.country,
        template_id=target.template_row.id,
        template=target.template,
        policy=target.policy,
    )
    book = FactBook(target.channel, parts.setup)
    await book.read(tx, [asked])
    known = await book.of(tx, asked, now)
    stands = await suppressions.standing(tx, target.channel.account_id, [phone.e164])
    await reminders.refuse(tx, target, notice)
    planned = plan(target.policy, known.facts, notice.deadline_at, now)
    planned = _with_since_when(planned, stands)
    waits = written(target.policy)["steps"]
    shown = [
        _step(planned.steps[: i + 1], w, target, notice, phone, known, parts) for i, w in enumerate(waits)
    ]
    return {
        "dry_run": True,
        "to": masked(phone.e164),
        "country": phone.country,
        "recipient": _recipient(known, stands),
        "template": target.template_row.name,
        "template_version": target.template_row.version,
        "language": notice.language,
        "policy": target.policy_view(_deadline(notice)),
        "steps": shown,
        "if_nothing_proves_delivery": _end(planned),
        "findings": msgspec.to_builtins(target.checked.values.all(json.loads(notice.parameters))),
        "would_be_refused": planned.refused_why is not None or not any(s["would_run"] for s in shown),
        **({} if planned.refused_why is None else {"refused_why": planned.refused_why}),
    }


def _deadline(notice: NewNotice) -> int | None:
    return None if notice.deadline_at is None else notice.deadline_at - notice.created_at


def _with_since_when(planned: Plan, stands: list[Suppression]) -> Plan:
    """The same, saying of a suppression since when it stands and why."""

    def told(why: str | None) -> str | None:
        if why is None or not tells_of_suppression(why):
            return why
        # One of all weighs more than one of SMS alone.
        x = min(stands, key=lambda x: x.scope is not Scope.ALL)
        return f"{since_when(x)}: {why.removeprefix('suppressed: ')}"

    steps = [msgspec.structs.replace(s, why_not=told(s.why_not)) for s in planned.steps]
    return msgspec.structs.replace(planned, steps=steps, refused_why=told(planned.refused_why))


def _recipient(known: Known, stands: list[Suppression]) -> dict[str, Any]:
    """What is known of the recipient that decides about steps."""
    bound = known.facts.user_bound
    words = {
        Friendship.FRIEND: "a friend of the account",
        Friendship.BLOCKED: "has blocked the account",
        Friendship.UNKNOWN: "not known as a friend of the account",
    }
    said = f"A LINE user is bound to the number, {words[known.facts.friendship]}."
    return {
        "user_bound": bound,
        "friendship": known.facts.friendship,
        "text": said if bound else _not_bound(known.facts.binding_doubt),
        **({"suppressed": sorted(x.scope for x in stands)} if stands else {}),
    }


def _not_bound(doubt: str | None) -> str:
    if doubt is None:
        return "No LINE user is bound to the number."
    return f"A LINE user is bound to the number, and gets no pushes: {doubt}."


def _end(planned: Plan) -> dict[str, Any]:
    at = planned.ends_at
    return {
        "state": planned.state,
        "reason": planned.reason,
        "at": None if at is None else rfc3339(at),
    }


def _step(
    steps: list[Planned],
    written_step: dict[str, Any],
    target: Target,
    notice: NewNotice,
    phone: Phone,
    known: Known,
    parts: Services,
) -> dict[str, Any]:
    """The last of these steps, as it would go; those before say what must have failed for it to begin."""
    one = steps[-1]
    runs = one.why_not is None
    shown: dict[str, Any] = {**written_step, "would_run": runs}
    if not runs:
        return shown | {"why_not": one.why_not}
    if one.begins_at is not None:
        after = one.begins_at - notice.created_at
        shown |= {"begins_at": rfc3339(one.begins_at), "begins_after": format_duration(after)}
    shown["why"] = _why(steps, notice)
    given: dict[str, str] = json.loads(notice.parameters)
    parameters = with_link(target.template, given, parts.setup.bind_link_example)
    shown |= _content(one.step, target, parameters, phone, known, parts.prices)
    held = [f"Quiet hours hold it from {rfc3339(a)} until {rfc3339(b)}." for a, b in one.held]
    if one.step in LINE_STEPS and target.channel.paused_at is not None:
        held.insert(0, f"The channel is paused: {target.channel.paused_why}")
    return shown | ({"held": " ".join(held)} if held else {})


def _why(steps: list[Planned], notice: NewNotice) -> str:
    """When the last of these steps begins and what ends it, in words."""
    *before, one = steps
    taken = [s.step for s in before if s.hands_over]
    if taken:
        begins = f"Begins only if {' and '.join(taken)} can't hand it over."
    elif one.begins_at is None and (deadline := _deadline(notice)) is not None:
        left = format_duration(deadline)
        begins = f"The deadline of {left} passes before its turn comes, unless the steps before end sooner."
    elif not before or one.begins_at == notice.created_at:
        begins = "Begins at once."
    else:
        begins = "Begins when the steps before have failed, or their waits are over without proof."
    if one.hands_over:
        return f"{begins} Once it is taken nothing further is sent: no proof comes of it."
    return f"{begins} Proof of delivery ends the notice."


def _content(
    step: Step, target: Target, parameters: dict[str, str], phone: Phone, known: Known, prices: Prices
) -> dict[str, Any]:
    """What the step would send, and what that costs."""
    template = target.template
    match step:
        case Step.SMS:
            return _sms(render_sms(template, parameters), phone, known, prices)
        case Step.LINE_NOTIFICATION:
            flexible, payload = render_line(template, parameters)
            return {
                "kind": "flexible" if flexible else "template",
                "content": payload,
                "cost": _cost(prices.of(phone.country, step), 1),
            }
        case Step.LINE_PUSH:
            return {
                "content": render_push(template, parameters),
                "cost": _cost(prices.of(phone.country, step), 1),
            }
        case Step.CALLBACK:
            # The business's own system charges nothing, unless the business set a price.
            known_price = prices.of(phone.country, step)
            return {} if known_price is None else {"cost": amount(known_price, 1)}


def _sms(text: str, phone: Phone, known: Known, prices: Prices) -> dict[str, Any]:
    size = segments(text)
    carriers = [r.carrier for r in known.facts.sms]
    return {
        "text": text,
        "encoding": size.encoding,
        "segments": size.segments,
        "cost": _cost(prices.of(phone.country, Step.SMS, carriers[0]), size.segments),
        "carriers": carriers,
    }


def _cost(known: Price | None, units: int) -> dict[str, Any]:
    return {"amount": None, "currency": None} if known is None else amount(known, units)
