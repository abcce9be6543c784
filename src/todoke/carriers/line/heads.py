"""The head of a request to LINE, and the two things of ours that go into it: base URL and access token."""

from todoke import __version__
from todoke.carriers.line.transport import Origin


def base_url(text: str) -> str:
    """`text` without a trailing slash. Raises ValueError unless it is an http(s) URL with a host."""
    from yarl import URL  # noqa: PLC0415 - most of what imports this needs no yarl, the courier among them

    url = URL(text)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{text!r} is no base URL: write it as https://api.line.me")
    return text.rstrip("/")


def bearer(access_token: str) -> str | None:
    """The Authorization header; None if the token holds what no token and no header can: spaces, line
    ends.
    """
    plain = access_token.isascii() and access_token.isprintable() and " " not in access_token
    return f"Bearer {access_token}" if access_token and plain else None


def post_head(origin: Origin, path: str, access_token: str, last: str) -> bytes | None:
    """A POST of JSON up to the value of its header `last`: all that is the same for every message of a channel.

    None if the token can't stand in a header. The caller adds the value, `Content-Length` and the body.
    """
    authorization = bearer(access_token)
    if authorization is None:
        return None
    lines = (
        f"POST {origin.prefix}{path} HTTP/1.1",
        f"Host: {origin.header}",
        f"User-Agent: todoke/{__version__}",
        f"Authorization: {authorization}",
        "Content-Type: application/json",
        "Accept: */*",
        f"{last}: ",
    )
    return "\r\n".join(lines).encode()
