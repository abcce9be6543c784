"""The pure model of LINE: accounts, users, consent, verification, the ledger. `handle(world, command,
now)` → effects.

It may import the standard library's pure parts, msgspec and `line_catalogue`. Ids, randomness and time
come in as arguments. Never here: asyncio, aiohttp, httpx, logging, os, random, secrets, socket, SQL,
subprocess, threading, time, uuid.
"""

from line_emulator.world.effects import Effects, Event
from line_emulator.world.handle import handle
from line_emulator.world.world import World

__all__ = ["Effects", "Event", "World", "handle"]
