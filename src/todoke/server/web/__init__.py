"""What a browser sees: the front page and the API's documentation, without any address outside.

May import the server's own helpers and read-only storage. Never here: writes, decisions, a build step.
"""
