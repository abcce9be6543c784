"""Scripted scenarios: a file's steps, the director who plays them, and the deeds that they do.

It may import `world`, `control`'s checks of bodies, `clockwork` and `faults`. Never here: what a fault does.
"""
