"""The assertion signing key of a channel, and the JSON Web Tokens that it signs.

Source: Messaging API, "Issue channel access token v2.1" (key pair, header and claims of the JWT); RFC 7515, 7517
and 7518 for the forms. The key is a secret: nothing here puts any of it into a text.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

AUDIENCE = "https://api.line.me/"
ASSERTION_SECONDS = 900
"""How long an assertion is good. LINE takes at most 1,800; half of it, so that a clock may be wrong by a quarter of an
hour either way."""
LONGEST_TOKEN = 30 * 86_400
"""Seconds."""
_LONGEST_TEXT = 10_000
_BITS = range(2048, 4097)
_WRAPPERS = ("private_key", "privateKey", "key")
_NUMBERS = ("n", "e", "d", "p", "q", "dp", "dq", "qi")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,700}={0,2}", re.ASCII)
_KEY_ID = re.compile(r"[\x21-\x7e]{1,100}", re.ASCII)
_HOW = (
    "Give the private key as the JSON Web Key whose public half was registered in the LINE Developers Console "
    '("Assertion Signing Key"), with the kid that the console showed; or as PEM, with the kid beside it'
)


class SigningKey:
    """A private key that LINE knows the public half of. Shows only its id, whoever prints it."""

    __slots__ = ("_key", "key_id")

    def __init__(self, key: RSAPrivateKey, key_id: str) -> None:
        self._key = key
        self.key_id = key_id
        """LINE's `kid` of the public key."""

    def __repr__(self) -> str:
        return f"SigningKey(key_id={self.key_id!r})"

    def assertion(self, channel_id: str, now: int, token_lasts: int | None = None) -> str:
        """A JWT (RS256) that proves to LINE that the channel's owner asks.

        `now`: ms since the epoch. `token_lasts`: for a token of v2.1, the seconds it is to last, 1 to LONGEST_TOKEN;
        else ValueError.
        """
        claims: dict[str, Any] = {
            "iss": channel_id,
            "sub": channel_id,
            "aud": AUDIENCE,
            "exp": now // 1000 + ASSERTION_SECONDS,
        }
        if token_lasts is not None:
            if not 1 <= token_lasts <= LONGEST_TOKEN:
                raise ValueError(f"a token can't last {token_lasts} seconds: 1 to {LONGEST_TOKEN} (30 days)")
            claims["token_exp"] = token_lasts
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        text = f"{_segment(header)}.{_segment(claims)}"
        return f"{text}.{_base64url(self._key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def parse_private_key(text: str, key_id: str | None = None) -> SigningKey:
    """The key in `text`: a JSON Web Key, also one wrapped in an object or a set of one, or PEM.

    `key_id`: LINE's `kid`; needed with PEM, and stronger than a `kid` in the JSON, as tools write one of their own
    there. Takes some 50 ms, for the key is checked. Raises ValueError: the text says what is wrong and what to give,
    and nothing of the key.
    """
    if len(text) > _LONGEST_TEXT:
        raise ValueError(
            f"The private key has over {_LONGEST_TEXT:,} characters: that is no RSA key. {_HOW}."
        )
    key, found_id = _read(text.strip(), nested=False)
    key_id = (key_id or "").strip() or found_id
    if not key_id:
        raise ValueError(f"The private key has no kid. {_HOW}.")
    if not _KEY_ID.fullmatch(key_id):
        raise ValueError(
            "The kid of the private key is not LINE's: copy it from the LINE Developers Console."
        )
    if key.key_size not in _BITS:
        raise ValueError(f"The private key has {key.key_size} bits: LINE takes RSA keys of 2048 bits.")
    return SigningKey(key, key_id)


def _read(text: str, nested: bool) -> tuple[RSAPrivateKey, str | None]:
    if text.startswith("-----"):
        return _from_pem(text), None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ValueError(f"The private key is neither JSON nor PEM. {_HOW}.") from None
    if not isinstance(found, dict):
        raise ValueError(f"The private key is JSON, but no object. {_HOW}.")
    key_id = found.get("kid")
    outer_id = key_id if isinstance(key_id, str) else None
    inner = _unwrapped(found)
    if inner is None:
        return _from_jwk(found), outer_id
    if nested:
        raise ValueError(f"The private key is wrapped more than once. {_HOW}.")
    key, inner_id = _read(
        inner if isinstance(inner, str) else msgspec.json.encode(inner).decode(), nested=True
    )
    return key, outer_id or inner_id


def _unwrapped(found: dict[str, Any]) -> Any:
    if "kty" in found:
        return None
    keys = found.get("keys")
    if isinstance(keys, list):
        if len(keys) != 1:
            raise ValueError(f"The set has {len(keys)} keys: give the one whose public half LINE has.")
        return keys[0]
    return next((found[name] for name in _WRAPPERS if name in found), None)


def _from_jwk(jwk: dict[str, Any]) -> RSAPrivateKey:
    if jwk.get("kty") != "RSA" or jwk.get("alg", "RS256") != "RS256":
        raise ValueError(f"The private key is no RSA key for RS256 (kty and alg say so). {_HOW}.")
    if "d" not in jwk:
        raise ValueError(f"This is the public half of the key: LINE keeps that one. {_HOW}.")
    value = {name: _number(jwk.get(name)) for name in _NUMBERS}
    missing = [name for name, number in value.items() if not number]
    if missing:
        raise ValueError(f"The private key lacks {', '.join(missing)}, or has them garbled: export it whole.")
    public = RSAPublicNumbers(value["e"], value["n"])
    private = RSAPrivateNumbers(
        value["p"], value["q"], value["d"], value["dp"], value["dq"], value["qi"], public
    )
    try:
        return private.private_key()
    except ValueError:
        raise ValueError(
            f"The numbers of the private key do not belong together: export it anew. {_HOW}."
        ) from None


def _number(text: Any) -> int:
    """0 if it is none."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        return 0
    digits = text.rstrip("=")
    try:
        return int.from_bytes(urlsafe_b64decode(digits + "=" * (-len(digits) % 4)))
    except ValueError:
        return 0


def _from_pem(text: str) -> RSAPrivateKey:
    if "PUBLIC KEY" in text[:40]:
        raise ValueError(f"This is the public half of the key: LINE keeps that one. {_HOW}.")
    # A key that went through JSON or an environment variable often has its line ends as two characters.
    plain = text.replace("\\n", "\n").encode()
    try:
        key = load_pem_private_key(plain, password=None)
    except TypeError:
        raise ValueError(
            "The private key has a passphrase: take it off (openssl pkey -in key.pem -out plain.pem)."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"The private key is damaged PEM: export it anew. {_HOW}.") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(f"The private key is no RSA key: LINE takes RS256 only. {_HOW}.")
    return key


def _segment(value: object) -> str:
    return _base64url(msgspec.json.encode(value))


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
