"""Text messages in both directions: what the carrier brings to a phone, and what its user answers."""

from __future__ import annotations

from line_emulator.world import numbers
from line_emulator.world.commands import AnswerSms, TakeSms
from line_emulator.world.effects import Effects
from line_emulator.world.problems import Problem
from line_emulator.world.proofs import NO_NUMBER
from line_emulator.world.sms import Answered, Sms
from line_emulator.world.world import World


def take(world: World, command: TakeSms, now: int) -> Effects:
    """The carrier takes a message; it reaches the inbox unless the user can't be reached by SMS."""
    account = world.people.find_phone(command.to)
    sms = Sms(
        message_id=command.message_id,
        to=command.to,
        sender=command.sender,
        text=command.text,
        at=now,
        reference=command.reference,
        delivered=account is None or account.sms_reachable,
        reply_url=command.reply_url,
        reply_token=command.reply_token,
    )
    world.sms.take(sms)
    return Effects(sms)


def answer(world: World, command: AnswerSms, now: int) -> Effects:
    """The user answers a sender that takes answers. It goes where the newest message of that sender says."""
    if not numbers.is_e164(command.phone):
        return Effects(problem=NO_NUMBER)
    heard = world.sms.answerable(command.phone, command.to)
    if heard is None or heard.reply_url is None:
        return Effects(problem=_nobody_hears(world, command))
    sms = Sms(command.message_id, heard.sender, command.phone, command.text, now, own=True)
    world.sms.answer(sms)
    return Effects(Answered(sms, heard.reply_url, heard.reply_token))


def _nobody_hears(world: World, command: AnswerSms) -> Problem:
    senders = {sms.sender for sms in world.sms.inboxes.get(command.phone, []) if not sms.own}
    if command.to is None or command.to in senders:
        text = "takes no answers" if senders else "has no SMS to answer"
        who = "The sender" if senders else f"The number {command.phone}"
        return Problem(400, f"{who} {text}: send it one with reply_url, by POST /carrier/messages")
    return Problem(400, f"There is no SMS from {command.to[:50]} to {command.phone}")
