"""The paths of api.line.me and nothing else: authentication, rate limits, bodies, answers in LINE's words.

It may import `world`, `faults`, `weblog` and the other top modules of this package; it decides nothing
that the world decides. Never here: the control API, pages, anything of the gateway.
"""
