"""Bodies of requests, as the OpenAPI document shows them. What they mean is checked by the actions."""

from todoke.server.api.models.base import answer, problems
from todoke.server.api.models.channels import ChannelIn, ChannelPatch, KeyIn
from todoke.server.api.models.notices import NOTICE_EXAMPLE, MessageIn, NoticeIn, NoticesIn
from todoke.server.api.models.people import (
    BindingIn,
    BindLinkIn,
    BindSettingsIn,
    EraseIn,
    LookupIn,
    PersonIn,
    SourceIn,
    SourcePatch,
    SuppressionEndIn,
    SuppressionIn,
    SuppressionsIn,
    UnbindIn,
)
from todoke.server.api.models.webhooks import (
    EndpointIn,
    EndpointPatch,
    HubPauseIn,
    HubReplayIn,
    HubTargetIn,
    HubTargetPatch,
    ReplayIn,
    RotateIn,
)

__all__ = [
    "NOTICE_EXAMPLE",
    "BindLinkIn",
    "BindSettingsIn",
    "BindingIn",
    "ChannelIn",
    "ChannelPatch",
    "EndpointIn",
    "EndpointPatch",
    "EraseIn",
    "HubPauseIn",
    "HubReplayIn",
    "HubTargetIn",
    "HubTargetPatch",
    "KeyIn",
    "LookupIn",
    "MessageIn",
    "NoticeIn",
    "NoticesIn",
    "PersonIn",
    "ReplayIn",
    "RotateIn",
    "SourceIn",
    "SourcePatch",
    "SuppressionEndIn",
    "SuppressionIn",
    "SuppressionsIn",
    "UnbindIn",
    "answer",
    "problems",
]
