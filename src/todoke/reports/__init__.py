"""Answers about what happened. Read only.

May import `todoke.core` and `todoke.storage`. Never here: writes, SQL, HTTP.
"""
