"""The data folder, opened: what commands and the gateway both stand on."""

from dataclasses import dataclass

from todoke.actions.channels import DEFAULT_ACCOUNT, create_key, ensure_account
from todoke.clock import wall
from todoke.codes import Codes
from todoke.ids import Ids, UlidIds
from todoke.links import Links
from todoke.sealing import Seal
from todoke.settings import Settings, ensure_data_dir, secret_from_file
from todoke.storage import channels as channel_store
from todoke.storage.database import Database


@dataclass(kw_only=True)
class Base:
    """What commands that work on the data folder need, without a server."""

    settings: Settings
    database: Database
    ids: Ids
    seal: Seal
    links: Links
    codes: Codes
    """Addresses for users to open, which only this installation can have made."""


async def open_base(settings: Settings) -> Base:
    """Opens the data folder and brings the tables to this version.

    Raises SettingsError or StorageError with the remedy.
    """
    ensure_data_dir(settings)
    database = Database(settings.database_url)
    await database.migrate()
    key = settings.secret_key or secret_from_file(settings.data_dir / "secret.key")
    return Base(
        settings=settings,
        database=database,
        ids=UlidIds(),
        seal=Seal(key),
        links=Links(key, settings.base_url),
        codes=Codes(key),
    )


async def first_key(base: Base) -> None:
    """At the first start: the default account, and a key for it in a file that only its owner can read."""
    path = base.settings.data_dir / "api.key"
    async with base.database.write() as tx:
        account = await ensure_account(tx, DEFAULT_ACCOUNT, wall(), base.ids)
        if not await channel_store.list_keys(tx, account):
            _, key = await create_key(tx, account, "first key", wall(), base.ids)
            path.touch(mode=0o600)
            path.write_text(key + "\n")
