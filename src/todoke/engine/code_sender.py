"""Brings a code to a number by SMS."""

import structlog

from todoke.carriers import SmsMessage
from todoke.core.outcome import Answer, Outcome
from todoke.core.phone import parse
from todoke.engine.sms_carriers import SmsCarriers
from todoke.ids import Ids

log = structlog.get_logger()

MOST_ROUTES = 2
"""SMS carriers that one code is given to, the next one only where the one before surely did not take it."""


class CodeSender:
    """Sends codes. A code is not worth waiting for: what is not taken now the user asks for again."""

    def __init__(self, sms: SmsCarriers, ids: Ids) -> None:
        self._sms = sms
        self._ids = ids

    def can_reach(self, number: str) -> bool:
        """Whether a carrier delivers to the number's country."""
        return bool(self._sms.routes(_country(number)))

    async def send(self, link_id: str, number: str, text: str) -> Answer:
        """One SMS, by the next carrier where one surely did not take it."""
        message = SmsMessage(to=number, text=text)
        answer = Answer(outcome=Outcome.FAILED, detail="no carrier delivers there")
        for route in self._sms.routes(_country(number))[:MOST_ROUTES]:
            self._sms.began(route.carrier)
            try:
                answer = await self._sms.send(route.carrier, message, self._ids.new())
            except Exception as error:
                log.exception("binding.sms", link=link_id, error=type(error).__name__)
                answer = Answer(outcome=Outcome.UNKNOWN, detail=type(error).__name__)
            if answer.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN):
                break
            log.warning("binding.sms", link=link_id, carrier=route.carrier, outcome=str(answer.outcome))
        return answer


def _country(e164: str) -> str:
    return parse(e164, "TW").country  # With its country code a number reads the same anywhere.
