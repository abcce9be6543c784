"""A channel and a template for lists that are read without a gateway."""

from __future__ import annotations

from notice_support import START, policy
from storage_support import PARCEL
from todoke.actions.intake import Target
from todoke.actions.live import OPEN
from todoke.actions.policies import Choice
from todoke.core import template as templates
from todoke.core.content.timing import Timing
from todoke.storage.channels import Channel
from todoke.storage.content import TemplateRow
from todoke.storage.desks import Checked, built_in

TEMPLATE = templates.compile(PARCEL)
CHECK = built_in()
TARGET = Target(
    account_id="A",
    channel=Channel(
        id="C",
        account_id="A",
        name="Parcels",
        region="TW",
        line_channel_id="1",
        secret=b"",
        access_token=None,
        private_key=None,
        mode="live",
        test_numbers="[]",
        rate=2000,
        created_at=START,
    ),
    template_row=TemplateRow(
        id="T",
        account_id="A",
        channel_id="C",
        name="parcel",
        version=1,
        use_case="delivery",
        spec="",
        created_at=START,
    ),
    template=TEMPLATE,
    policy_id="P",
    policy=policy("sms 72h"),
    choice=Choice(why=""),
    gate=OPEN,
    checked=Checked(check=CHECK, findings=(), standing=(), values=CHECK.values(TEMPLATE, "TW")),
    timing=Timing.NONE,
)
