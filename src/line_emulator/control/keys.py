"""The assertion signing keys of a channel: what LINE's console takes, and a key pair for rehearsals.

Source: Messaging API, "Issue channel access token v2.1", "Create an assertion signing key": an RSA key of
2,048 bits for RS256, with either `use` or `key_ops`, and without a `kid`, which LINE gives.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import Response

from line_emulator.bot_api.tokens.assertion import segment
from line_emulator.control.http import Refused, answer, check, read, state_of
from line_emulator.world.commands import AddKey, RemoveKey
from line_emulator.world.tokens import SigningKey

BITS = 2048
LONGEST_NUMBER = 1000
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")


async def create(request: Request) -> Response:
    """`POST /channels/{channel_id}/keys` with a public JSON Web Key, or `{"generate": true}`."""
    channel_id = _channel_id(request)
    body = await read(request, dict[str, Any], ("generate",))
    if "generate" in body:
        if body != {"generate": True}:
            raise Refused(400, 'generate stands alone: {"generate": true}; else send a public JSON Web Key')
        pair = await asyncio.to_thread(rsa.generate_private_key, 65537, BITS)
        channel_id = _channel_id(request)  # A reset may have come in between.
        numbers = pair.private_numbers()
        public = numbers.public_numbers
        kid = _register(request, channel_id, public.n, public.e)
        private = {
            "d": numbers.d,
            "p": numbers.p,
            "q": numbers.q,
            "dp": numbers.dmp1,
            "dq": numbers.dmq1,
            "qi": numbers.iqmp,
        }
        private_key = _jwk(public.n, public.e) | {name: _encoded(value) for name, value in private.items()}
        return answer({"kid": kid, "private_key": private_key | {"kid": kid}})
    fault = _fault(body)
    if fault is not None:
        raise Refused(400, fault)
    modulus, exponent = _number(body["n"]), _number(body["e"])
    return answer({"kid": _register(request, channel_id, modulus or 0, exponent or 0)})


async def listing(request: Request) -> Response:
    """`GET /channels/{channel_id}/keys`: the public keys."""
    channel_id = _channel_id(request)
    found = state_of(request).world.tokens.keys_of(channel_id)
    return answer({"keys": [{"kid": key.kid, **_jwk(key.modulus, key.exponent)} for key in found]})


async def remove(request: Request) -> Response:
    """`DELETE /channels/{channel_id}/keys/{kid}`."""
    channel_id, kid = _channel_id(request), request.path_params["kid"]
    state = state_of(request)
    key = state.world.tokens.keys.get(kid)
    if key is None or key.channel_id != channel_id:
        raise Refused(404, f"The channel {channel_id} has no key {kid}; GET …/keys lists them")
    state.do(RemoveKey(kid))
    return answer({"removed": kid})


def _channel_id(request: Request) -> str:
    channel_id: str = request.path_params["channel_id"]
    if channel_id not in state_of(request).world.channels:
        raise Refused(404, f"There is no channel {channel_id}")
    return channel_id


def _register(request: Request, channel_id: str, modulus: int, exponent: int) -> str:
    state = state_of(request)
    kid = state.ids.signing_key_id()
    check(state.do(AddKey(SigningKey(kid, channel_id, modulus, exponent))).problem)
    return kid


def _fault(key: dict[str, Any]) -> str | None:
    """What is wrong with a public key, in words; None if nothing is."""
    private = [name for name in _PRIVATE if name in key]
    if private:
        return f"This is a private key (it has {', '.join(private)}): keep it, and send the public half only"
    if "kid" in key:
        return "The key must not have a kid: it is given on registration"
    for name, wanted in (("kty", "RSA"), ("alg", "RS256")):
        if key.get(name) != wanted:
            return f"{name} is {key.get(name)!r}; it must be {wanted!r}"
    if ("use" in key) == ("key_ops" in key):
        return "The key must have either use or key_ops"
    if key.get("use", "sig") != "sig" or key.get("key_ops", ["verify"]) != ["verify"]:
        return 'The key must say that it checks signatures: use "sig", or key_ops ["verify"]'
    modulus, exponent = _number(key.get("n")), _number(key.get("e"))
    if modulus is None or exponent is None:
        return "n and e must be there, in base64url without padding"
    if modulus.bit_length() != BITS:
        return f"n has {modulus.bit_length()} bits; the key must have {BITS}"
    try:
        rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as error:
        return f"n and e make no RSA key: {error}"
    return None


def _number(text: Any) -> int | None:
    raw = segment(text) if type(text) is str and len(text) <= LONGEST_NUMBER else None
    return int.from_bytes(raw) if raw is not None else None


def _jwk(modulus: int, exponent: int) -> dict[str, str]:
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "e": _encoded(exponent), "n": _encoded(modulus)}


def _encoded(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
