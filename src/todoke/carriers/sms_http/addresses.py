"""Which URLs a declaration may name: no door into one's own network by way of a configuration file."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

from yarl import URL

# Ways to write an IPv4 address that `ip_address` does not take but other libraries do: 127.1, 0x7f000001,
# 2130706433.
_ODD_IPV4 = re.compile(r"(0[xX][0-9A-Fa-f]*|[0-9]+)(\.(0[xX][0-9A-Fa-f]*|[0-9]+))*\.?")


def objection(url: str, allow_private: bool) -> str | None:
    """What is wrong with `url`, remedy included; None if it may be used.

    With `allow_private`, loopback and private addresses and plain http pass too (an emulator, a provider's
    box in one's own network). Link-local, multicast and unspecified addresses never do: cloud machines keep
    their credentials at 169.254.169.254. Only literal addresses are judged; a name is judged by whoever runs
    the name server.
    """
    if "{" in url.partition("://")[2].partition("/")[0]:
        return "has a placeholder in its host: write the host out"
    if not url.isprintable() or " " in url:
        return "holds a space or an invisible character: remove it"
    try:
        parsed = URL(url)
        host = (parsed.host or "").rstrip(".").lower()
    except ValueError:
        return "is no URL: write it as https://sms.example.com/send"
    if parsed.scheme not in ("http", "https") or not host:
        return "is no http(s) URL: write it as https://sms.example.com/send"
    if parsed.user or parsed.password:
        return "holds a user or password: use an Authorization header with {secret:NAME}"
    kind = _kind(host)
    if kind == "never":
        return f"names {host}, which no provider has: use the provider's public host"
    if kind == "private" and not allow_private:
        return f"names {host}, an address of this machine or network: use the provider's public host"
    if parsed.scheme == "http" and not allow_private:
        return "is plain http: numbers and texts would be readable on the way, use https"
    return None


def _kind(host: str) -> str:
    if host == "localhost" or host.endswith(".localhost"):
        return "private"
    try:
        address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    except ValueError:
        return "never" if _ODD_IPV4.fullmatch(host) else "public"
    if isinstance(address, IPv6Address):
        # An IPv4 address in IPv6 clothes goes where the IPv4 address goes.
        address = address.ipv4_mapped or address.sixtofour or address
    if address.is_loopback:
        return "private"
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return "never"
    return "public" if address.is_global else "private"
