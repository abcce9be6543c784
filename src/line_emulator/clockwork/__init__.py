"""Time: the clock, its journeys from due time to due time, and the programs that follow it.

It may import the modules beside it that know nothing of HTTP. Never here: what happens at a time; that is handed in.
"""
