"""`todoke acceptance`: plays what can become of a notice, films the phone, and writes the report for LINE.

May import what the commands may. Never here: anything of `line_emulator`; it runs as a program of its own, and its
phone is tapped in a browser. Playwright and PyAV come with the extra `todoke[browser]` and are imported late.
"""
