"""What a channel says and allows where users bind their numbers: changed as a whole."""

from collections.abc import Mapping

import msgspec

from todoke.actions.intake import Invalid
from todoke.core.bind_texts import LANGUAGES
from todoke.core.bind_words import consents
from todoke.core.durations import DAY, MINUTE, format_duration, parse_duration
from todoke.core.template_values import FORBIDDEN
from todoke.storage import bind_settings as store
from todoke.storage.bind_settings import BindSettings
from todoke.storage.channels import Channel
from todoke.storage.database import Tx

MAX_CONSENT = 4_000
"""Characters of a consent text."""
MAX_BRAND = 100
LINK_BOUNDS = (10 * MINUTE, 30 * DAY)
BINDING_BOUNDS = (DAY, 730 * DAY)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Settings as they are asked for; durations as `7d`."""

    brand: str | None = None
    consent: Mapping[str, str] = {}
    greets: bool = True
    link_lasts: str = "7d"
    binding_lasts: str = "180d"


def texts_of(channel: Channel, settings: BindSettings) -> dict[str, str]:
    """Language → the text that users of a channel agree to, in all languages."""
    return consents(settings.consent, settings.brand or channel.name)


async def change(tx: Tx, channel: Channel, wanted: Wanted, now: int) -> BindSettings:
    """Stores a channel's settings. The version counts up if any text changes that users agree to. Raises Invalid."""
    if wanted.brand is not None:
        _check_text(wanted.brand, "/brand", MAX_BRAND)
    for language, text in wanted.consent.items():
        if language not in LANGUAGES:
            raise Invalid(f"There is no language {language[:20]!r}. Use {', '.join(LANGUAGES)}.", "/consent")
        _check_text(text, f"/consent/{language}", MAX_CONSENT)
    before = await store.settings_of(tx, channel.id)
    after = BindSettings(
        channel_id=channel.id,
        brand=wanted.brand,
        consent=dict(wanted.consent),
        consent_version=before.consent_version,
        greets=wanted.greets,
        link_lasts=_lasts(wanted.link_lasts, "/link_lasts", LINK_BOUNDS),
        binding_lasts=_lasts(wanted.binding_lasts, "/binding_lasts", BINDING_BOUNDS),
        basic_id=before.basic_id,
        changed_at=now,
    )
    if texts_of(channel, before) != texts_of(channel, after):
        after = msgspec.structs.replace(after, consent_version=before.consent_version + 1)
    await store.put(tx, after)
    return after


def _check_text(text: str, pointer: str, most: int) -> None:
    if not text.strip() or len(text) > most:
        raise Invalid(f"{pointer} must have 1 to {most:,} characters; it has {len(text):,}.", pointer)
    if FORBIDDEN.search(text):
        raise Invalid(
            f"{pointer} holds control characters, halves of characters or marks that turn text around. Write plain "
            "text.",
            pointer,
        )


def _lasts(text: str, pointer: str, bounds: tuple[int, int]) -> int:
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise Invalid(f"{pointer[1:]}: {error}", pointer) from None
    if not bounds[0] <= found <= bounds[1]:
        least, most = map(format_duration, bounds)
        raise Invalid(f"{pointer[1:]} is {text}. Use {least} to {most}.", pointer)
    return found
