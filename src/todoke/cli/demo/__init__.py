"""`todoke demo`: the main job from end to end on this machine, with an emulator in LINE's place.

May import what the commands may. Never here: anything of `line_emulator`; it runs as a program of its own.
"""

from todoke.cli.demo.run import demo

__all__ = ["demo"]
