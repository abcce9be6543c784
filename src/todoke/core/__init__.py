"""What Todoke decides: notices, routing, outcomes, phone numbers, templates. All of it pure.

May import the standard library's pure parts, msgspec, phonenumbers and `line_catalogue`.
Never here: input or output, the clock, randomness, logging, the database. Times and ids come in as arguments.
"""
