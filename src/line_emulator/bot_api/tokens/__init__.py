"""LINE's endpoints for channel access tokens: forms in, OAuth's answers out, assertions checked.

It may import cryptography. Never here: which tokens are valid, how long and how many; that is the world's.
"""
