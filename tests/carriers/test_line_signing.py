"""The assertion signing key: which texts are one, what is said of those that are not, and what it signs."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from todoke.carriers.line import SigningKey, parse_private_key

PAIR = rsa.generate_private_key(65537, 2048)
NOW = 1_786_000_000_123
KID = "536e453c-aa93-4449-8e58-add2608783c6"


def b64(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()


def jwk(pair: rsa.RSAPrivateKey = PAIR, **changes: Any) -> dict[str, Any]:
    private = pair.private_numbers()
    public = private.public_numbers
    numbers = {
        "n": public.n,
        "e": public.e,
        "d": private.d,
        "p": private.p,
        "q": private.q,
        "dp": private.dmp1,
        "dq": private.dmq1,
        "qi": private.iqmp,
    }
    key = {"kty": "RSA", "alg": "RS256", "use": "sig", "ext": True}
    key |= {name: b64(value) for name, value in numbers.items()}
    return {name: value for name, value in (key | changes).items() if value is not None}


def pem(
    pair: Any = PAIR,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    passphrase: bytes | None = None,
) -> str:
    sealing: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        sealing = serialization.BestAvailableEncryption(passphrase)
    text: bytes = pair.private_bytes(serialization.Encoding.PEM, form, sealing)
    return text.decode()


def public_pem() -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return PAIR.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def parts(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWT that PAIR signed; raises if it did not."""
    header, claims, signature = assertion.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    PAIR.public_key().verify(raw, f"{header}.{claims}".encode(), PKCS1v15(), SHA256())
    found = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]
    return found[0], found[1]


def test_an_assertion_has_lines_header_and_claims_and_the_keys_signature() -> None:
    key = parse_private_key(json.dumps(jwk(kid=KID)))
    header, claims = parts(key.assertion("1234567890", NOW, 86_400))
    assert header == {"alg": "RS256", "typ": "JWT", "kid": KID}
    assert claims == {
        "iss": "1234567890",
        "sub": "1234567890",
        "aud": "https://api.line.me/",
        "exp": NOW // 1000 + 900,
        "token_exp": 86_400,
    }
    assert "=" not in key.assertion("1234567890", NOW)
    assert "token_exp" not in parts(key.assertion("1234567890", NOW))[1]


@pytest.mark.parametrize("seconds", [0, -1, 30 * 86_400 + 1])
def test_a_token_can_not_be_asked_for_longer_than_30_days(seconds: int) -> None:
    key = SigningKey(PAIR, KID)
    with pytest.raises(ValueError, match="30 days"):
        key.assertion("1", NOW, seconds)
    assert parts(key.assertion("1", NOW, 30 * 86_400))[1]["token_exp"] == 2_592_000


READABLE = {
    "a JWK with its kid": (json.dumps(jwk(kid=KID)), None),
    "a JWK as the console's guide makes it, without kid": (json.dumps(jwk(), indent=2), KID),
    "a JWK of a tool that wrote a kid of its own": (json.dumps(jwk(kid="tools-own")), KID),
    "a JWK without alg": (json.dumps(jwk(kid=KID, alg=None)), None),
    "a JWK that is padded": (json.dumps(jwk(kid=KID, e="AQAB==")), None),
    "a wrapped JWK": (json.dumps({"kid": KID, "private_key": jwk()}), None),
    "a wrapped JWK with the kid inside": (json.dumps({"privateKey": jwk(kid=KID)}), None),
    "wrapped PEM": (json.dumps({"kid": KID, "key": pem()}), None),
    "a set of one key": (json.dumps({"keys": [jwk(kid=KID)]}), None),
    "PEM": (pem(), KID),
    "PEM of the older form": (pem(form=serialization.PrivateFormat.TraditionalOpenSSL), KID),
    "PEM with white space around": (f"\n  {pem()}\n\n", f" {KID}\n"),
    "PEM on one line": (pem().replace("\n", "\\n"), KID),
}


@pytest.mark.parametrize(("text", "key_id"), READABLE.values(), ids=READABLE)
def test_a_key_is_read_in_every_form_that_people_have_it(text: str, key_id: str | None) -> None:
    key = parse_private_key(text, key_id)
    assert key.key_id == KID
    assert parts(key.assertion("1", NOW))[0]["kid"] == KID


SMALL = rsa.generate_private_key(65537, 1024)
OTHER = rsa.generate_private_key(65537, 2048)

UNUSABLE = {
    "nothing": ("", KID, "neither JSON nor PEM"),
    "words": ("my key", KID, "neither JSON nor PEM"),
    "a list": ("[]", KID, "no object"),
    "an empty object": ("{}", KID, "kty and alg"),
    "deep": ("[" * 9_000, KID, "neither JSON nor PEM"),
    "not Unicode": ('{"kty": "\udcff"}', KID, "neither JSON nor PEM"),
    "long": ("x" * 10_001, KID, "over 10,000 characters"),
    "a JWK without kid": (json.dumps(jwk()), None, "no kid"),
    "PEM without kid": (pem(), None, "no kid"),
    "a kid that is none": (pem(), "two words", "not LINE's"),
    "a kid that is long": (pem(), "k" * 101, "not LINE's"),
    "a kid that is a number": (json.dumps(jwk(kid=5)), None, "no kid"),
    "the public JWK": (json.dumps(jwk(d=None, p=None)), KID, "public half"),
    "the public PEM": (public_pem(), KID, "public half"),
    "an elliptic key": (json.dumps({"kty": "EC", "d": "x"}), KID, "kty and alg"),
    "elliptic PEM": (pem(ec.generate_private_key(ec.SECP256R1())), KID, "no RSA key"),
    "another algorithm": (json.dumps(jwk(alg="RS512")), KID, "kty and alg"),
    "a part missing": (json.dumps(jwk(qi=None, dp=None)), KID, "lacks dp, qi"),
    "a part that is no text": (json.dumps(jwk(p=5)), KID, "lacks p"),
    "a part that is no base64url": (json.dumps(jwk(p="a+b/")), KID, "lacks p"),
    "a part cut off": (json.dumps(jwk(e="AQABA")), KID, "lacks e"),
    "a part of another key": (json.dumps(jwk(p=jwk(OTHER)["p"])), KID, "do not belong together"),
    "a swapped exponent": (json.dumps(jwk(d=jwk(OTHER)["d"])), KID, "do not belong together"),
    "a key of 1024 bits": (json.dumps(jwk(SMALL)), KID, "1024 bits"),
    "PEM of 1024 bits": (pem(SMALL), KID, "1024 bits"),
    "PEM with a passphrase": (pem(passphrase=b"word"), KID, "passphrase"),
    "damaged PEM": (pem()[:200] + pem()[330:], KID, "damaged PEM"),
    "PEM of nothing": ("-----BEGIN PRIVATE KEY-----", KID, "damaged PEM"),
    "two keys": (json.dumps({"keys": [jwk(), jwk(OTHER)]}), KID, "2 keys"),
    "wrapped twice": (json.dumps({"key": {"key": jwk()}}), KID, "more than once"),
    "wrapped nothing": (json.dumps({"kid": KID, "key": None}), None, "kty and alg"),
}


@pytest.mark.parametrize(("text", "key_id", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_key_that_is_none_is_refused_with_the_remedy_and_without_the_key(
    text: str, key_id: str | None, says: str
) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        parse_private_key(text, key_id)
    assert type(caught.value) is ValueError
    said = str(caught.value)
    for secret in (*(str(value)[:20] for value in jwk().values()), pem()[40:80], text[:60] if text else "?"):
        assert len(secret) < 10 or secret not in said
    assert caught.value.__cause__ is None


def test_nobody_sees_the_key_by_printing_it() -> None:
    key = parse_private_key(json.dumps(jwk(kid=KID)))
    assert repr(key) == str(key) == f"SigningKey(key_id='{KID}')"


values = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([*jwk().values()])
names = st.sampled_from([*jwk(), "kid", "key", "keys", "private_key"])


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.dictionaries(names, values, max_size=9),
        lambda inner: st.dictionaries(names, inner | st.lists(inner, max_size=2), max_size=2),
        max_leaves=4,
    )
)
def test_any_object_is_a_key_or_a_value_error(found: dict[str, Any]) -> None:
    for text in (json.dumps(found), json.dumps(jwk() | found)):
        try:
            key = parse_private_key(text)
        except ValueError:
            continue
        assert key.key_id


@given(st.text(max_size=60))
def test_any_text_after_the_first_dashes_is_a_value_error(text: str) -> None:
    for whole in (text, "-----" + text, f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----"):
        with pytest.raises(ValueError, match=r"private key|public half"):
            parse_private_key(whole, KID)
