"""What a browser sees: the front page, the API's documentation and the pages of bind links; nothing from elsewhere.

May import the server's own helpers, read-only storage and the engine's binder. Never here: SQL, decisions, a build
step.
"""
