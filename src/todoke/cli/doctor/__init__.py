"""`todoke doctor`: what is missing or wrong in the set-up, one line a finding, with the remedy.

May import all of Todoke. Never here: a change of anything; the doctor looks, and LINE issues it a short token at most.
"""
