"""Signing as Standard Webhooks 1.0 describes it (https://github.com/standard-webhooks/standard-webhooks).

HMAC-SHA256 over `id.timestamp.body`, the key being the base64 after `whsec_`. So a receiver can check our
requests with that project's libraries, and need not write a line of his own.
"""

import base64
import binascii
import hashlib
import hmac

_PREFIX = "whsec_"
# "between 24 bytes (192 bits) and 64 bytes (512 bits)"
_LEAST, _MOST = 24, 64


def new_secret(random_bytes: bytes) -> str:
    """A secret of these bytes (24 to 64 of them, from a source fit for keys). Raises ValueError."""
    if not _LEAST <= len(random_bytes) <= _MOST:
        raise ValueError(f"a webhook secret has {_LEAST} to {_MOST} bytes, not {len(random_bytes)}")
    return _PREFIX + base64.b64encode(random_bytes).decode()


def check_secret(text: str) -> str | None:
    """What is wrong with a secret, remedy included, without quoting it; None if it can be used."""
    if not text.startswith(_PREFIX):
        return f"does not begin with {_PREFIX}: copy the whole secret, or leave it out to get a new one"
    try:
        size = len(_key(text))
    except (binascii.Error, ValueError):
        return f"is not base64 after {_PREFIX}: copy the whole secret, or leave it out to get a new one"
    if not _LEAST <= size <= _MOST:
        return f"holds {size} bytes: it must be {_LEAST} to {_MOST}, in base64"
    return None


def signed_headers(
    secret: str, id: str, at: int, body: bytes, old_secret: str | None = None
) -> dict[str, str]:
    """The three headers for a body that leaves at `at` (ms). The secrets have passed `check_secret`.

    With an old secret there are two signatures, so that a receiver may change to the new one when it likes
    ("Signature scheme": space delimited, for zero downtime secret rotation).
    """
    seconds = str(at // 1000)
    content = b".".join((id.encode(), seconds.encode(), body))
    signatures = [_signature(x, content) for x in (secret, old_secret) if x is not None]
    return {"webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": " ".join(signatures)}


def _signature(secret: str, content: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(_key(secret), content, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    text = secret.removeprefix(_PREFIX)
    # Some makers leave the padding out, and the standard's own libraries take that.
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
