"""The state file: a journal of everything that changed, its encoding, and reading it again.

It may import `world` and what surrounds it. Never here: what a command does; the world does it again.
"""
