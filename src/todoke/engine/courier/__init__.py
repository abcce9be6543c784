"""The courier: a process of the gateway's own from which LINE notifications leave, so that both cores work.

`departures.py` is the gateway's side, `desk.py` the courier's, `frames.py` what they say to each other. The courier has
no database and no settings; what it knows comes in frames. Decision 19 says why.
"""
