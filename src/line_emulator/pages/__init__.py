"""The pages in the browser: server-rendered, with their own style sheet, nothing from outside.

It may import Starlette, Jinja2 and this package's state. Never here: commands to the world that the
control API lacks.
"""
