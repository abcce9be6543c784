"""What a user sees, as JSON: who they are, chats, open prompts, text messages; and its words in all languages.

It may import `world` and `line_catalogue`. Never here: HTML, and anything that changes the world.
"""
