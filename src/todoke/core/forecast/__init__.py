"""What a list will come to before it is sent: shares, duplicates and times, each with a range.

`priors` what is supposed before there is a history, `beliefs` how a history takes its place, `play` one notice through
a policy, `ranges` a whole list with its uncertainty, `advice` which wait to take. Pure, and without chance: the same
history gives the same forecast.
"""
