"""A Messaging API channel: the API face of one official account."""

from __future__ import annotations

import base64
import hashlib

import msgspec

from line_emulator.world import keys
from line_emulator.world.keys import Form, Grant

REGIONS = keys.REGIONS
BADGES = ("grey", "blue", "green")
WEBHOOK_MODES = ACTIVE, STANDBY = "active", "standby"


class Channel(msgspec.Struct, kw_only=True):
    """One channel with its switches. Times in ms; `rate_limit` in requests a second for each endpoint.

    `no_verification_templates`: those in no-phone-verification mode; in them `absent_items` may not occur, and
    `masked_items` only masked.

    `templates` None: whatever is published for the account's country, and every made-up `example_…` key.
    `grants`: the imported list of granted keys. A template of that list takes the items and buttons that the
    list gives it (or gives to all), and those of `item_keys` and `button_keys`; no others.
    `webhook_mode`: `standby` where another system of the account answers its users. `switcher_secret`: that of
    LINE Chat Plus, which signs webhooks in place of the channel secret. `redelivery_schedule`: ms from each
    failed attempt to the next; None: the emulator's own. `monthly_quota`: ordinary messages a month; None: no
    limit. `per_user_limit`: ordinary messages to one user a minute; None: no limit.
    """

    channel_id: str
    name: str
    region: str
    secret: str
    bot_user_id: str
    basic_id: str
    access_token: str | None
    badge: str = "blue"
    certified: bool = True
    provider: str = "default"
    webhook_url: str | None = None
    webhook_active: bool = True
    templates: frozenset[str] | None = None
    item_keys: frozenset[str] = frozenset()
    button_keys: frozenset[str] = frozenset()
    flexible: bool = True
    reject_visible: bool = True
    unblock_releases: bool = False
    webhook_mode: str = ACTIVE
    switcher_secret: str | None = None
    redelivery: bool = False
    redelivery_schedule: tuple[int, ...] | None = None
    rate_limit: int = 2000
    privacy_floor: int = 0
    monthly_quota: int | None = None
    per_user_limit: int | None = None
    no_verification_templates: frozenset[str] = frozenset()
    absent_items: frozenset[str] = frozenset()
    masked_items: frozenset[str] = frozenset()
    grants: tuple[Grant, ...] = ()
    forms: dict[str, Form] = {}
    other_form: Form = Form(frozenset(), frozenset())
    labels: dict[str, str | None] = {}

    def __post_init__(self) -> None:
        self.learn_keys()

    def learn_keys(self) -> None:
        """Works out which item and button keys exist for this account, and for which template; to be called
        when its grants change.
        """
        regions = keys.regions_of(self.region, self.templates)
        items = keys.union(keys.PUBLISHED_ITEMS, regions) | self.item_keys
        buttons = keys.union(keys.PUBLISHED_BUTTONS, regions) | self.button_keys
        self.other_form = Form(items, buttons, examples=True)
        self.labels = {}
        own: dict[tuple[str, str | None], set[str]] = {}
        for grant in self.grants:
            self.labels[grant.key] = self.labels.get(grant.key) or grant.label
            own.setdefault((grant.kind, grant.template), set()).add(grant.key)
        shared_items = self.item_keys | own.get((keys.ITEM, None), set())
        shared_buttons = self.button_keys | own.get((keys.BUTTON, None), set())
        self.forms = {
            key: Form(
                frozenset(own.get((keys.ITEM, key), ())),
                frozenset(own.get((keys.BUTTON, key), ())),
                shared_items,
                shared_buttons,
            )
            for key in own.get((keys.TEMPLATE, None), set())
        }

    def form_of(self, template: str) -> Form:
        """The items and buttons that this template takes from this account."""
        return self.forms.get(template, self.other_form)

    def label_of(self, key: str) -> str:
        """What the user sees for an item or button: as imported, else for a published key this project's own
        reading, else the key.
        """
        return self.labels.get(key) or keys.label_of(key)

    def title_of(self, template: str) -> str:
        """What the user sees as the head of a notification: as `label_of`."""
        return self.label_of(template)

    def source_of(self, key: str) -> str | None:
        """`published` by LINE, `granted` (in the imported list, or named by hand) or `made_up`; None for a key
        that this account does not have.
        """
        named = key in (self.templates or ()) or key in self.item_keys or key in self.button_keys
        return keys.source_of(key, key in self.labels, named)

    def has_template(self, key: str) -> bool:
        """Whether LINE granted this template to the account."""
        if self.templates is not None:
            return key in self.templates
        return key.startswith(keys.EXAMPLE_PREFIX) or key in keys.PUBLISHED_TEMPLATES.get(self.region, ())

    def quote_token(self, message_id: str) -> str:
        """The token with which a message can quote this one. It follows from the message's id and the channel's
        secret, so no table is needed.
        """
        key = hashlib.blake2b(self.secret.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        raw = hashlib.blake2b(message_id.encode(), key=key).digest()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def eligible(self) -> bool:
        """Whether the account may send notification messages at all.

        Taiwan asks for a certified provider and a verified account, Thailand for a verified or premium
        one, Japan for an application, which `certified` stands for here. An unverified (grey) account
        may not, anywhere.
        """
        return self.badge != "grey" and (self.certified or self.region == "TH")

    def may_send_templates(self) -> bool:
        """Eligible and granted at least one template: an empty list of grants means no access to the
        template API.
        """
        return self.eligible() and (self.templates is None or bool(self.templates))

    def may_send_flexible(self) -> bool:
        """Eligible and admitted to the flexible kind."""
        return self.eligible() and self.flexible
