"""HTTP in: parse, call one action or one read, answer.

May import `todoke.actions`, `todoke.reports`, `todoke.carriers` and what lies below. Never here: SQL, decisions,
requests to carriers. `api` is for integrators, `inbound` for LINE and SMS carriers, `web` for browsers.
"""
