"""Webhooks on their way: events to JSON, signed, posted in batches, again where the channel asks for it.

It may import `world`, `clockwork`, `faults` and `weblog`. Never here: what an event is; that is the world's.
"""
