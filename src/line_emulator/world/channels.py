"""A Messaging API channel: the API face of one official account."""

from __future__ import annotations

import msgspec

from line_emulator.world import keys

REGIONS = keys.REGIONS
BADGES = ("grey", "blue", "green")


class Channel(msgspec.Struct, kw_only=True):
    """One channel with its switches. Times in ms; `rate_limit` in requests a second for each endpoint.

    `templates` None: whatever is published for the account's country, and every made-up `example_…` key.
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
    redelivery: bool = False
    rate_limit: int = 2000
    privacy_floor: int = 0
    no_verification_templates: frozenset[str] = frozenset()
    known_items: frozenset[str] = frozenset()
    known_buttons: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.learn_keys()

    def learn_keys(self) -> None:
        """Works out which item and button keys exist for this account; to be called when its grants
        change.
        """
        regions = keys.regions_of(self.region, self.templates)
        self.known_items = keys.union(keys.PUBLISHED_ITEMS, regions) | self.item_keys
        self.known_buttons = keys.union(keys.PUBLISHED_BUTTONS, regions) | self.button_keys

    def has_template(self, key: str) -> bool:
        """Whether LINE granted this template to the account."""
        if self.templates is not None:
            return key in self.templates
        return key.startswith(keys.EXAMPLE_PREFIX) or key in keys.PUBLISHED_TEMPLATES.get(self.region, ())

    def has_item(self, key: str) -> bool:
        """Whether this item key exists for the account's country."""
        return key in self.known_items or key.startswith(keys.EXAMPLE_PREFIX)

    def has_button(self, key: str) -> bool:
        """Whether this button key exists for the account's country."""
        return key in self.known_buttons or key.startswith(keys.EXAMPLE_PREFIX)

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
