"""The SMS carriers of the settings, each by its declaration."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from todoke.carriers.declarations import DeclarationError, declared_kind
from todoke.carriers.sms_http import SmsHttpCarrier, emulator_declaration, load_declaration
from todoke.settings import Settings, SettingsError

if TYPE_CHECKING:
    from todoke.carriers.sessions import Http
    from todoke.carriers.smpp import SmppCarrier

EMULATOR_CARRIER = "emulator"

Store = Callable[[str, bytes], Awaitable[None]]
"""Keeps what a carrier of this name told over its own link; returns when that is durable."""


async def _nowhere(carrier: str, body: bytes) -> None:
    raise SettingsError(f"{carrier} was only looked at; no receipt can be kept.")


def sms_carriers(
    settings: Settings, http: "Http", receipt_secret: str, store: Store = _nowhere
) -> "list[SmsHttpCarrier | SmppCarrier]":
    """The SMS carriers of the settings, in their order. Raises SettingsError."""
    try:
        return [_sms_carrier(name, settings, http, receipt_secret, store) for name in settings.sms_carriers]
    except DeclarationError as error:
        raise SettingsError(str(error)) from None


def _sms_carrier(
    name: str, settings: Settings, http: "Http", receipt_secret: str, store: Store
) -> "SmsHttpCarrier | SmppCarrier":
    urls = (
        f"{settings.base_url}/sms/{name}/receipts",
        receipt_secret,
        f"{settings.base_url}/sms/{name}/replies",
    )
    if name == EMULATOR_CARRIER:
        own = emulator_declaration(settings.line_api_base)
        return SmsHttpCarrier(http, own, settings.sms_secrets, *urls)
    path = settings.data_dir / "carriers" / f"{name}.yaml"
    if not path.is_file():
        raise SettingsError(
            f"TODOKE_SMS_CARRIER names {name!r}, but there is no file {path}. See docs/sms-carriers.md."
        )
    if declared_kind(path) == "smpp":
        # Few have such a carrier, and what speaks its language is large.
        from todoke.carriers.smpp import SmppCarrier, load_smpp  # noqa: PLC0415

        over_smpp = load_smpp(path, settings.allow_private)
        _same_name(name, over_smpp.name)
        return SmppCarrier(over_smpp, settings.sms_secrets, partial(store, name))
    declaration = load_declaration(path, allow_private=settings.allow_private)
    _same_name(name, declaration.name)
    return SmsHttpCarrier(http, declaration, settings.sms_secrets, *urls)


def _same_name(file: str, declared: str) -> None:
    if declared != file:
        raise SettingsError(
            f"The declaration {file}.yaml calls itself {declared!r}. File and name must be the same: the name stands "
            "in receipts' addresses and in reports."
        )
