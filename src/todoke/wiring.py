"""The only place where objects are built and put together."""

import asyncio
from dataclasses import dataclass

import aiohttp
import structlog
from fastapi import FastAPI

from todoke.actions.advance import Setup
from todoke.actions.channels import DEFAULT_ACCOUNT, create_key, ensure_account
from todoke.carriers import EventReader
from todoke.carriers.line import LineCarrier, Transport, make_session
from todoke.carriers.sms_http import DeclarationError, SmsHttpCarrier, emulator_declaration, load_declaration
from todoke.clock import Clock, SteppedClock, SystemClock, wall
from todoke.engine.deliver import Outlets
from todoke.engine.engine import Engine
from todoke.engine.follow import Follower
from todoke.ids import Ids, UlidIds
from todoke.sealing import Seal
from todoke.server.app import make_app
from todoke.server.services import InboxWriter, Services
from todoke.settings import Settings, SettingsError, ensure_data_dir, secret_from_file, unknown_names
from todoke.storage import channels as channel_store
from todoke.storage.database import Database
from todoke.storage.lookup import Lookup

log = structlog.get_logger()

EMULATOR_CARRIER = "emulator"
NO_CARRIER = "none"


@dataclass(kw_only=True)
class Base:
    """What commands that work on the data folder need, without a server."""

    settings: Settings
    database: Database
    ids: Ids
    seal: Seal


async def open_base(settings: Settings) -> Base:
    """Opens the data folder and brings the tables to this version.

    Raises SettingsError or StorageError with the remedy.
    """
    ensure_data_dir(settings)
    database = Database(settings.database_url)
    await database.migrate()
    key = settings.secret_key or secret_from_file(settings.data_dir / "secret.key")
    return Base(settings=settings, database=database, ids=UlidIds(), seal=Seal(key))


async def first_key(base: Base) -> None:
    """At the first start: the default account, and a key for it in a file that only its owner can read."""
    path = base.settings.data_dir / "api.key"
    async with base.database.write() as tx:
        account = await ensure_account(tx, DEFAULT_ACCOUNT, wall(), base.ids)
        if not await channel_store.list_keys(tx, account):
            _, key = await create_key(tx, account, "first key", wall(), base.ids)
            path.touch(mode=0o600)
            path.write_text(key + "\n")


def sms_carrier(
    settings: Settings, http: aiohttp.ClientSession, receipt_secret: str
) -> SmsHttpCarrier | None:
    """The SMS carrier of the settings; None where there is none. Raises SettingsError."""
    name = settings.sms_carrier
    if name is None or name == NO_CARRIER:
        return None
    try:
        if name == EMULATOR_CARRIER:
            declaration = emulator_declaration(settings.line_api_base)
        else:
            path = settings.data_dir / "carriers" / f"{name}.yaml"
            if not path.is_file():
                raise SettingsError(
                    f"TODOKE_SMS_CARRIER is {name!r}, but there is no file {path}. See docs/sms-carriers.md."
                )
            declaration = load_declaration(path, allow_private=settings.line_is_emulated)
        receipt_url = f"{settings.base_url}/sms/{name}/receipts"
        return SmsHttpCarrier(http, declaration, settings.sms_secrets, receipt_url, receipt_secret)
    except DeclarationError as error:
        raise SettingsError(str(error)) from None


class Gateway:
    """All of Todoke in one process: the web half and the working half."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._follower: Follower | None = None
        self._following: asyncio.Task[None] | None = None
        self._running = False
        settings = base.settings
        self._http = make_session()
        self._clock: Clock = SystemClock()
        if settings.clock != "system":
            stepped = SteppedClock(wall())
            self._clock = stepped
            self._follower = Follower(self._http, settings.clock, stepped)
        receipt_secret = secret_from_file(settings.data_dir / "receipt.key")
        self._to_line = Transport(settings.line_api_base)
        line = LineCarrier(self._to_line)
        try:
            sms = sms_carrier(settings, self._http, receipt_secret)
        except SettingsError:
            # No connection was made yet; a session that is only dropped would complain beside the error.
            self._http.detach()
            raise
        setup = Setup(
            sms_carrier=sms is not None,
            sms_gives_proof=sms is not None and sms.gives_proof,
            every_number_is_a_test_number=settings.line_is_emulated,
        )
        readers: dict[str, EventReader] = {"line": line}
        if sms is not None and settings.sms_carrier is not None:
            readers[settings.sms_carrier] = sms
        lookup = Lookup()
        self._engine = Engine(
            clock=self._clock,
            database=base.database,
            data_dir=settings.data_dir,
            outlets=Outlets(line, sms, setup),
            readers=readers,
            lookup=lookup,
            ids=base.ids,
            seal=base.seal,
        )
        services = Services(
            database=base.database,
            clock=self._clock,
            ids=base.ids,
            seal=base.seal,
            lookup=lookup,
            setup=setup,
            line_reader=line,
            sms_reader=sms,
            sms_carrier=None if sms is None else settings.sms_carrier,
            receipt_secret=receipt_secret,
            inbox=InboxWriter(base.database, self._engine.wake_inbox),
            uploads=settings.data_dir / "uploads",
            base_url=settings.base_url,
            wake=self._engine.wake,
            is_ready=self._trouble,
        )
        self.app: FastAPI = make_app(services)

    def _trouble(self) -> str | None:
        if not self._running:
            return "starting or stopping"
        if self._follower is not None and not self._follower.connected:
            return f"the emulator at {self._base.settings.clock} does not answer, so time stands still"
        return None

    async def start(self) -> None:
        """Follows the clock, if it is an emulator's, then begins to work. Raises NoEmulator."""
        for name in unknown_names():
            log.warning("settings.unknown", name=name, remedy="settings are in docs/settings.md")
        if self._follower is not None:
            await self._follower.connect()
        await self._engine.start()
        if self._follower is not None:
            self._following = asyncio.create_task(self._follower.run(self._engine.settle, self._engine.wake))
        self._running = True

    async def stop(self) -> None:
        """Lets what is out be answered and recorded, then closes everything."""
        self._running = False
        await self._engine.stop()
        if self._following is not None and self._follower is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            await self._follower.close()
        await self._to_line.close()
        await self._http.close()
        await self._base.database.close()
