"""Figures and crash runs with real processes on this machine; nothing here is part of the product.

`python -m bench` measures, `python -m bench.chaos` kills. Gateway and emulator are run as the commands they are. Only
what measures a part of the gateway itself (content.py, phone.py, tone.py), and what fills its database
(growth_data.py), imports `todoke`. Never here: anything that a test of one part needs.
"""
