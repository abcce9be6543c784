"""The control API under `/_emulator/v1`: channels, users, population, clock, faults, ledger, logs.

It may import everything of this package but `bot_api`'s handlers. It turns requests into commands and
rows into JSON. Never here: a rule of LINE's; those are in `world`.
"""
