"""Figures and crash runs with real processes on this machine; nothing here is part of the product.

`python -m bench` measures, `python -m bench.chaos` kills. May import `todoke_client`, never `todoke` or
`line_emulator`: both are run as the commands they are. Never here: anything that a test of one part needs.
"""
