"""The commands: thin. They read settings, call `wiring` or the client, and print.

May import everything of `todoke`, and `todoke_client`. Never here: decisions, SQL.
"""

from todoke.cli.entry import main

__all__ = ["main"]
