"""Every write of the system: load, ask the core, save; one transaction each, given by the caller.

May import `todoke.core` and `todoke.storage`. Never here: SQL, requests to carriers, HTTP, waiting.
"""
