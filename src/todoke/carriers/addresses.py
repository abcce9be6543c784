"""Where a request may go: no door into one's own network by way of a configuration file or a name server."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal

from yarl import URL

Kind = Literal["public", "private", "never"]
"""`private`: this machine or one's own network. `never`: what no provider and no receiver has."""

# Ways to write an IPv4 address that `ip_address` does not take but other libraries do: 127.1, 0x7f000001,
# 2130706433.
_ODD_IPV4 = re.compile(r"(0[xX][0-9A-Fa-f]*|[0-9]+)(\.(0[xX][0-9A-Fa-f]*|[0-9]+))*\.?")

# The last 32 bits are an IPv4 address, and packets go there: NAT64 (RFC 6052), IPv4-translated (RFC 7915),
# IPv4-compatible (RFC 4291, 2.5.5.1).
_IPV4_AT_THE_END = tuple(IPv6Network(net) for net in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96"))
# NAT64 with prefixes of one's own network (RFC 8215): where the IPv4 address stands is not known.
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
# Nobody's: relays of 6to4 (RFC 7526 ended them), segment routing inside a network (RFC 9602), documentation (RFC 9637).
_NOBODYS = (IPv4Network("192.88.99.0/24"), IPv6Network("5f00::/16"), IPv6Network("3fff::/20"))
# Cloud machines hand out their credentials here, outside of link-local: AWS and Google over IPv6, Alibaba.
_METADATA = frozenset(ip_address(text) for text in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200"))


def objection(url: str, allow_private: bool) -> str | None:
    """What is wrong with `url`, remedy included; None if it may be used.

    With `allow_private`, loopback and private addresses and plain http pass too (an emulator, a box in one's
    own network). Link-local, multicast and unspecified addresses never do: cloud machines keep their
    credentials at 169.254.169.254. Only literal addresses are judged: what a name resolves to is judged when
    it connects, in sessions of `guarded.guarded_session`.
    """
    if "{" in url.partition("://")[2].partition("/")[0]:
        return "has a placeholder in its host: write the host out"
    if not url.isprintable() or " " in url:
        return "holds a space or an invisible character: remove it"
    try:
        parsed = URL(url)
        host = (parsed.host or "").rstrip(".").lower()
    except (ValueError, LookupError):  # yarl lets an IndexError through for `https://[]@`
        return "is no URL: write it as https://sms.example.com/send"
    if parsed.scheme not in ("http", "https") or not host:
        return "is no http(s) URL: write it as https://sms.example.com/send"
    if parsed.user or parsed.password:
        return "holds a user or password: use a header or a signature instead"
    kind = _kind_of_host(host)
    if kind == "never":
        return f"names {host}, which can't be meant: use the public host"
    if kind == "private" and not allow_private:
        return (
            f"names {host}, an address of this machine or network: use the public host, or set "
            "TODOKE_ALLOW_PRIVATE=yes if that is meant"
        )
    if parsed.scheme == "http" and not allow_private:
        return "is plain http: numbers and texts would be readable on the way, use https"
    return None


def kind_of(address: IPv4Address | IPv6Address) -> Kind:
    """Whose address this is. An IPv4 address in IPv6 clothes is judged as the IPv4 address."""
    if address in _METADATA or any(address in net for net in _NOBODYS):
        return "never"
    if isinstance(address, IPv6Address):
        if address.is_loopback:
            return "private"
        if address.is_unspecified or address.is_link_local or address.is_multicast:
            return "never"
        if address.teredo is not None:
            return "never"
        inside = address.ipv4_mapped or address.sixtofour
        if inside is None and any(address in net for net in _IPV4_AT_THE_END):
            inside = IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            return kind_of(inside)
        if address in _LOCAL_NAT64 or address.is_site_local:
            return "private"
        return "public" if address.is_global else "private"
    if address.is_loopback:
        return "private"
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return "never"
    return "public" if address.is_global else "private"


def may_connect(host: str, allow_private: bool) -> bool:
    """Whether a connection to this numeric address may be made."""
    try:
        kind = kind_of(ip_address(host.partition("%")[0]))
    except ValueError:
        return False
    return kind == "public" or (kind == "private" and allow_private)


def _kind_of_host(host: str) -> Kind:
    if host == "localhost" or host.endswith(".localhost"):
        return "private"
    try:
        return kind_of(ip_address(host.partition("%")[0]))
    except ValueError:
        return "never" if _ODD_IPV4.fullmatch(host) else "public"
