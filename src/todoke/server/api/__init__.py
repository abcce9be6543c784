"""The REST API, version 1: one file a resource.

May import `todoke.actions`, `todoke.reports`, `todoke.storage` and the server's own helpers.
Never here: decisions; a handler parses, calls, and renders.
"""
