"""What the demo sends: one list and one template for each of Taiwan, Thailand and Japan. Data only.

Imports nothing. The lists hold, on purpose, numbers in many forms and some rows that must be refused.
Names, shops and parcels are made up; numbers lie where the demo puts its own users, or nowhere it does.
"""
