"""Todoke, the gateway that a business runs: notices to phone numbers, over LINE, followed to a known end.

Imports go down one list only: cli, wiring, server, engine, actions, reports, storage, carriers, core.
Nothing of `line_emulator` may be imported here; the two share nothing but `line_catalogue`.
"""

__version__ = "0.1.0"
