"""What a channel says and allows where users bind their numbers."""

import json

import msgspec
from sqlalchemy import delete, insert, select, update

from todoke.core.binding import BINDING_LASTS, LINK_LASTS
from todoke.storage.database import Tx
from todoke.storage.tables import bind_settings as s


class BindSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one channel; a channel without a row has these."""

    channel_id: str
    brand: str | None = None
    """The name that users know the business by; None: the channel's name."""
    consent: dict[str, str] = {}
    """Language → the business's own text to agree to."""
    consent_version: int = 1
    """Counts up whenever the text changes that users agree to."""
    greets: bool = True
    link_lasts: int = LINK_LASTS
    binding_lasts: int = BINDING_LASTS
    basic_id: str | None = None
    """The account's LINE ID with its @; None: LINE was not asked yet."""
    changed_at: int = 0


_COLUMNS = tuple(s.c[x] for x in BindSettings.__struct_fields__)


async def settings_of(tx: Tx, channel_id: str) -> BindSettings:
    """A channel's settings, those that come with Todoke where it has none of its own."""
    row = (await tx.execute(select(*_COLUMNS).where(s.c.channel_id == channel_id))).one_or_none()
    if row is None:
        return BindSettings(channel_id=channel_id)
    values = dict(row._mapping)
    return BindSettings(
        **values | {"consent": json.loads(values["consent"] or "{}"), "greets": bool(values["greets"])}
    )


async def put(tx: Tx, settings: BindSettings) -> None:
    """Stores a channel's settings."""
    values = msgspec.structs.asdict(settings)
    values |= {
        "consent": json.dumps(settings.consent, ensure_ascii=False) if settings.consent else None,
        "greets": int(settings.greets),
    }
    await tx.execute(delete(s).where(s.c.channel_id == settings.channel_id))
    await tx.execute(insert(s).values(values))


async def put_basic_id(tx: Tx, channel_id: str, basic_id: str, now: int) -> None:
    """Keeps the LINE ID that LINE told, beside whatever the settings are by now."""
    changed = update(s).where(s.c.channel_id == channel_id).values(basic_id=basic_id)
    if (await tx.execute(changed)).rowcount == 0:
        await put(tx, BindSettings(channel_id=channel_id, basic_id=basic_id, changed_at=now))
