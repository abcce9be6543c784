"""What comes from LINE and from SMS carriers: check who sent it, store it raw, answer.

May import `todoke.carriers` and the server's own helpers. Never here: applying an event; that is the engine's.
"""
