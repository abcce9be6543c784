"""What routing must know of notices: their recipients, their channel, what this process offers. For many at a time."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence, Set

import msgspec

from todoke.actions import live
from todoke.core.bound import Holder, relied_on, why_not_relied_on
from todoke.core.durations import format_duration
from todoke.core.routing import LINE_STEPS, Facts, Friendship, Policy, SmsRoute, Step
from todoke.core.suppression import Scope
from todoke.core.template import Template
from todoke.core.template_values import LINK_ROOM
from todoke.storage import binding_doubts, endpoints, friends, suppressions
from todoke.storage import notices as notice_store
from todoke.storage.bind_settings import settings_of
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.endpoints import Endpoint

_SOME_ID = "0" * 26
_EXAMPLE = "this-is-an-example-of-a-bindlink"
"""As long as the token at the end of such an address."""
CALLBACK = "callback"
"""The kind of event that an endpoint for the callback step asks for."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What the process offers to every notice: carriers, and whether any number may be written to."""

    sms_routes: Callable[[str], tuple[SmsRoute, ...]]
    """Country → the SMS carriers that deliver there, the best first."""
    sms_began: Callable[[str], None]
    """Tells that a message will go to the carrier of this name."""
    every_number_is_a_test_number: bool
    bind_link: Callable[[str], str]
    """An attempt's id → the address by which its recipient connects the number with LINE."""

    @property
    def bind_link_example(self) -> str:
        """An address as long as those that are sent, which leads nowhere."""
        return self.bind_link(_SOME_ID)[: -len(_EXAMPLE)] + _EXAMPLE


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that wants to know whether its steps may run."""

    number: str
    country: str
    template_id: str
    template: Template
    """In the notice's language."""
    policy: Policy
    begun: bool = False
    """It has an attempt: frequency rules concern its first one only."""


class Known(msgspec.Struct, frozen=True):
    """The facts of a notice, and whom a push would go to."""

    facts: Facts
    user_id: str | None = None
    are_common: bool = False
    """The very facts, in one object, that others of the same claim have: nothing about this recipient differs."""


class FactBook:
    """Facts of the notices of one channel, as they stand in one transaction."""

    def __init__(self, channel: Channel, setup: Setup) -> None:
        self._channel = channel
        self._setup = setup
        self._everyone = setup.every_number_is_a_test_number or channel.mode == "live"
        self._gated = live.is_gated(
            channel, every_number_is_a_test_number=setup.every_number_is_a_test_number
        )
        known = not self._everyone or self._gated
        self._allowed = live.test_numbers_of(channel) if known else frozenset[str]()
        self._not_live: dict[str, str] = {}
        self._common: dict[tuple[str, str, str | None], Facts] = {}
        self._routes: dict[str, tuple[SmsRoute, ...]] = {}
        self._holders: dict[str, list[Holder]] = {}
        self._binding_lasts = 0
        self._suppressed: dict[str, set[Scope]] = {}
        self._friendships: dict[str, str] = {}
        self._begun: Counter[tuple[str, str]] = Counter()
        self._begun_before: dict[tuple[str, str, int], int] = {}
        self.special: Set[str] = frozenset()
        """Those of the numbers whose facts may differ from the others'."""
        self.endpoint: Endpoint | None = None
        """Where callbacks go."""

    async def read(self, tx: Tx, asked: Sequence[Asked]) -> None:
        """Reads what `of` needs for these notices."""
        await self.read_for(
            tx, [x.number for x in asked], {x.template_id for x in asked}, [x.policy for x in asked]
        )

    async def read_for(
        self, tx: Tx, numbers: Collection[str], template_ids: Collection[str], policies: Iterable[Policy]
    ) -> None:
        """Reads what `of` needs for notices to these numbers, of these templates and policies."""
        wanted = {s.step for policy in policies for s in policy.steps}
        self._suppressed = await suppressions.scopes_of(tx, self._channel.account_id, numbers)
        if self._gated:
            # Read with each claim, not kept: a suspension holds from the next attempt on, whichever process begins it.
            self._not_live = await live.not_live(tx, template_ids)
        if not wanted.isdisjoint(LINE_STEPS):
            self._holders = await binding_doubts.holders_of(
                tx, self._channel.account_id, self._channel.provider, sorted(set(numbers))
            )
        if self._holders:
            self._binding_lasts = (await settings_of(tx, self._channel.id)).binding_lasts
            everybody = sorted({x.user_id for held in self._holders.values() for x in held})
            known = await friends.find(tx, self._channel.id, everybody)
            self._friendships = {x.user_id: x.state for x in known.values()}
        if Step.CALLBACK in wanted:
            found = await endpoints.endpoints_for(tx, self._channel.account_id, CALLBACK)
            self.endpoint = next((x for x in found if x.paused_at is None), None)
        self.special = {x for x, scopes in self._suppressed.items() if scopes} | self._holders.keys()
        if self._not_live or not self._everyone:
            self.special |= {x for x in numbers if x not in self._allowed}

    async def of(self, tx: Tx, asked: Asked, now: int) -> Known:
        """The facts of one of the notices that were read."""
        shared_by = (asked.template_id, asked.country, asked.template.language)
        facts = self._common.get(shared_by)
        if facts is None:
            facts = self._common[shared_by] = self._shared(asked)
        user_id = None
        changes: dict[str, object] = {}
        routes = self._routes.get(asked.country)
        if routes is None:
            routes = self._routes[asked.country] = self._setup.sms_routes(asked.country)
        if routes is not facts.sms:
            changes["sms"] = routes
        if not self._everyone and asked.number not in self._allowed:
            changes["number_allowed"] = False
        if self._not_live and asked.number not in self._allowed:
            changes["not_live"] = self._not_live.get(asked.template_id)
        if scopes := self._suppressed.get(asked.number):
            changes["suppressed"] = frozenset(scopes)
        if holders := self._holders.get(asked.number):
            # What somebody does with the account who may have had the number once says nothing of who has it now.
            if users := [x.user_id for x in holders if relied_on(x, self._binding_lasts, now)]:
                user_id, friendship = self._friendship(users)
                changes |= {"user_bound": True, "friendship": friendship}
            else:
                changes["binding_doubt"] = why_not_relied_on(holders[0], self._binding_lasts)
        if asked.policy.frequency and not asked.begun:
            changes["too_often"] = await self._too_often(tx, asked, now)
        if not changes:
            return Known(facts, user_id, are_common=True)
        return Known(msgspec.structs.replace(facts, **changes), user_id)

    def began(self, asked: Asked, carrier: str | None) -> None:
        """An attempt begins in this transaction; a notice's first counts for the frequency rules of the next ones."""
        if not asked.begun:
            self._begun[asked.number, asked.template.use_case] += 1
        if carrier is not None:
            self._setup.sms_began(carrier)
            # One that is down is tried by a single message.
            self._routes.clear()

    def _shared(self, asked: Asked) -> Facts:
        template = asked.template
        return Facts(
            country=asked.country,
            use_case=template.use_case,
            channel_paused=self._channel.paused_at is not None,
            has_line_form=template.line_form is not None,
            has_push_form=template.push_form is not None,
            has_sms_form="sms" in template.forms,
            sms=self._setup.sms_routes(asked.country),
            has_callback=self.endpoint is not None,
            link_too_long=self._link_too_long(template),
        )

    def _link_too_long(self, template: Template) -> frozenset[Step]:
        if not template.links or len(self._setup.bind_link_example) <= LINK_ROOM:
            return frozenset()
        forms = {
            Step.LINE_PUSH: template.push_form,
            Step.LINE_NOTIFICATION: template.line_form,
            Step.SMS: "sms",
        }
        return frozenset(step for step, form in forms.items() if form in template.links)

    def _friendship(self, users: list[str]) -> tuple[str, Friendship]:
        """Whom to push to, of the users bound to a number: a friend before others, the newest binding first."""
        states = {u: self._friendships.get(u) for u in users}
        for user, state in states.items():
            if state == Friendship.FRIEND:
                return user, Friendship.FRIEND
        if all(state == Friendship.BLOCKED for state in states.values()):
            return users[0], Friendship.BLOCKED
        return users[0], Friendship.UNKNOWN

    async def _too_often(self, tx: Tx, asked: Asked, now: int) -> str | None:
        use_case = asked.template.use_case
        for rule in asked.policy.frequency_for(use_case):
            begun = await self._begun_since(tx, asked.number, use_case, now - rule.per)
            begun += self._begun[asked.number, use_case]
            if begun >= rule.at_most:
                return (
                    f"the recipient has had {begun} of {use_case} in {format_duration(rule.per)}, "
                    f"and the policy allows {rule.at_most}"
                )
        return None

    async def _begun_since(self, tx: Tx, number: str, use_case: str, since: int) -> int:
        """Counted once: a number may have thousands of notices, and each of a claim would look at all of them."""
        place = (number, use_case, since)
        if place not in self._begun_before:
            self._begun_before[place] = await notice_store.count_begun(tx, self._channel.account_id, *place)
        return self._begun_before[place]
