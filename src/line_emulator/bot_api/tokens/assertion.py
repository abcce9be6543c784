"""Client assertions: JSON Web Tokens that a business signs with its own RSA key instead of sending a secret.

Source: Messaging API, "Issue channel access token v2.1"; RFC 7515 and 7519 for the form. LINE documents the
texts for an unknown key, a wrong issuer and a wrong `exp`; the others follow their manner.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from line_emulator.bot_api.http import Answer, refusal
from line_emulator.bot_api.tokens.forms import Fields, missing, oauth_refusal
from line_emulator.state import State
from line_emulator.world.channels import Channel
from line_emulator.world.problems import Problem
from line_emulator.world.tokens import claims_fault

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = 16_384
UNKNOWN_KEY = Problem(404, "Cannot find channel key that satisfies the conditions")
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Assertion(msgspec.Struct, frozen=True):
    """A checked assertion: who speaks, and what it says."""

    channel: Channel
    claims: dict[str, Any]


def check(state: State, fields: Fields, issues: bool) -> Assertion | Answer:
    """The assertion in these fields, or LINE's refusal. `issues`: it asks for a token of v2.1."""
    if fields["client_assertion_type"] != TYPE:
        return missing()
    parts = fields["client_assertion"].split(".")
    if len(fields["client_assertion"]) > LONGEST or len(parts) != 3:
        return _invalid("Invalid JWT")
    header, claims, signature = json_segment(parts[0]), json_segment(parts[1]), segment(parts[2])
    if header is None or claims is None or signature is None:
        return _invalid("Invalid JWT")
    if header.get("alg") != "RS256":
        return _invalid("Invalid alg")
    if header.get("typ") != "JWT":
        return _invalid("Invalid typ")
    kid = header.get("kid")
    key = state.world.tokens.keys.get(kid) if type(kid) is str else None
    if key is None:
        return refusal(UNKNOWN_KEY)
    if claims.get("iss") != key.channel_id:
        return _invalid("iss and clientId of key do not match")
    if not _signed(key.modulus, key.exponent, f"{parts[0]}.{parts[1]}".encode(), signature):
        return _invalid("Invalid signature")
    fault = claims_fault(claims, state.clock.now(), issues)
    return Assertion(state.world.channels[key.channel_id], claims) if fault is None else _invalid(fault)


def segment(text: str) -> bytes | None:
    """The bytes of a part of a JSON Web Token: base64url without padding; None if it is no such thing."""
    if not _SEGMENT.fullmatch(text):
        return None
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None


def json_segment(text: str) -> dict[str, Any] | None:
    """The JSON object of a part of a JSON Web Token; None if it is no such thing."""
    raw = segment(text)
    try:
        found = msgspec.json.decode(raw or b"")
    except (ValueError, RecursionError):
        return None
    return found if type(found) is dict else None


def _signed(modulus: int, exponent: int, text: bytes, signature: bytes) -> bool:
    try:
        _public_key(modulus, exponent).verify(signature, text, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=100)
def _public_key(modulus: int, exponent: int) -> RSAPublicKey:
    return RSAPublicNumbers(exponent, modulus).public_key()


def _invalid(description: str) -> Answer:
    return oauth_refusal("invalid_client", description)
