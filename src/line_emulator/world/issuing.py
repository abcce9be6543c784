"""Tokens issued and revoked, signing keys registered and removed.

Source: Messaging API reference, "Channel access token".
"""

from __future__ import annotations

from line_emulator.world.commands import AddKey, IssueToken, RemoveKey, RevokeToken
from line_emulator.world.effects import Effects
from line_emulator.world.problems import Problem
from line_emulator.world.tokens import (
    MOST_KEYS,
    MOST_TOKENS,
    SHORT_LIVED,
    STATELESS,
    V2_1,
    Token,
)
from line_emulator.world.world import World

TOO_MANY_TOKENS = Problem(400, "The maximum number of access tokens has already been issued")


def issue(world: World, command: IssueToken, now: int) -> Effects:
    """A new token. The 31st of v2.1 is refused, the 31st short-lived one ends the oldest."""
    if command.kind != STATELESS:
        valid = world.tokens.valid(command.channel, command.kind, now)
        if len(valid) >= MOST_TOKENS:
            if command.kind == V2_1:
                return Effects(problem=TOO_MANY_TOKENS)
            world.tokens.remove(valid[0])
    token = Token(command.channel, command.kind, now + command.lifetime, command.key_id)
    world.tokens.add(command.token, token, now)
    return Effects(token)


def revoke(world: World, command: RevokeToken, now: int) -> Effects:
    """Ends a token; the value says whether it was a long-lived one.

    What can't be revoked this way is left alone: an unknown token, one of another channel, a stateless one.
    """
    if command.channel is not None:
        token = world.tokens.find(command.token, now)
        if (
            token is not None
            and token.kind == V2_1
            and token.channel.channel_id == command.channel.channel_id
        ):
            world.tokens.remove(command.token)
        return Effects(False)
    token = world.tokens.find(command.token, now)
    if token is not None:
        if token.kind == SHORT_LIVED:
            world.tokens.remove(command.token)
        return Effects(False)
    holders = [channel for channel in world.channels.values() if channel.access_token == command.token]
    for channel in holders:
        channel.access_token = None
    return Effects(bool(holders))


def add_key(world: World, command: AddKey, now: int) -> Effects:
    """Registers the public half of a signing key."""
    if len(world.tokens.keys_of(command.key.channel_id)) >= MOST_KEYS:
        return Effects(
            problem=Problem(400, f"A channel has at most {MOST_KEYS} keys; remove one with DELETE")
        )
    world.tokens.keys[command.key.kid] = command.key
    return Effects(command.key)


def remove_key(world: World, command: RemoveKey, now: int) -> Effects:
    """Ends a signing key. Tokens that it signed for stay valid."""
    return Effects(world.tokens.keys.pop(command.kid, None))
