"""What users do: taps on the phone, and answers to text messages."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from line_emulator.control import users
from line_emulator.control.http import Refused, answer, read, state_of
from line_emulator.state import State
from line_emulator.world import Effects
from line_emulator.world.commands import Act, AnswerSms

LONGEST_MESSAGE = 5000
SEND_SMS = "send_sms"
"""The one action that needs no LINE: an answer to an SMS."""


class ActionBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `POST /users/{phone}/actions` takes."""

    action: str
    channel_id: str | None = None
    pin: str | None = None
    phone: str | None = None
    text: str | None = None
    target: str | None = None
    to: str | None = None
    display_text: str | None = None
    params: dict[str, str] | None = None
    alias: str | None = None

    def fault(self) -> str | None:
        """What is wrong with it, in words; None if nothing is. No more than a text message can hold."""
        if self.action == SEND_SMS and not (self.text or "").strip():
            return f"The action {SEND_SMS} needs a text"
        for name in ("text", "target", "to", "display_text", "alias"):
            if len(getattr(self, name) or "") > LONGEST_MESSAGE:
                return f"{name} may have {LONGEST_MESSAGE} characters at most"
        return None


async def act(request: Request) -> Response:
    """`POST /users/{phone}/actions`: one tap on the phone; answers with the user as they are then. To answer an SMS
    one need be no LINE user; the answer is then the number alone.
    """
    state = state_of(request)
    body = await read(request, ActionBody)
    fault = body.fault()
    if fault is not None:
        raise Refused(400, fault)
    phone = users.phone_of(request)
    effects = users.done(perform(state, phone, body), phone)
    account = effects.value if body.action != SEND_SMS else state.world.people.find_phone(phone)
    return answer({"phone": phone} if account is None else users.view(account, request))


def perform(state: State, phone: str, body: ActionBody, new_pin: str | None = None) -> Effects:
    """One tap of the user with this number. `new_pin`: if it sends a PIN, this one; None: any."""
    if body.action == SEND_SMS:
        sms_id = f"sms-{state.ids.message_id()}"
        effects = state.do(AnswerSms(phone, body.text or "", sms_id, body.to))
        if effects.problem is None:
            state.texted(effects.value)
        return effects
    return state.do(
        Act(
            phone=phone,
            action=body.action,
            new_pin=new_pin or state.ids.pin(),
            channel_id=body.channel_id,
            pin=body.pin,
            new_phone=body.phone,
            text=body.text,
            target=body.target,
            message_id=str(state.ids.message_id()),
            display_text=body.display_text,
            params=body.params,
            alias=body.alias,
        )
    )
