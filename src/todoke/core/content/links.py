"""Checks addresses: where they lead, whether people can see that, and whether it is what the notice is about."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

import msgspec

from todoke.core.content.addresses import HOLE, Address, Finder, in_domain
from todoke.core.content.codes import finding
from todoke.core.content.data import LinkData
from todoke.core.content.finding import Finding

MOST = 20
"""Addresses of one text that are looked at."""


class AllowedDomain(msgspec.Struct, frozen=True):
    """A domain of the account's list, and all below it. `use_cases`: empty for all."""

    domain: str
    use_cases: tuple[str, ...] = ()


_LEADS_AWAY = frozenset({"link-shortener", "link-off-list", "link-lookalike", "link-ip", "link-user-info"})
_WEB = ("http", "https", "")
_NUMBER = re.compile(r"[0-9.]+|0x[0-9a-f.x]+|\[.*", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")
_DIAL = re.compile(r"[+*#0-9\ue000-]{3,20}")
# What one letter or two are taken for at a glance.
_GLANCE = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("-", ""))
_ALIKE = str.maketrans("аеорсухіјѕԁһԛԝɡαορντικ", "aeopcyxijsdhqwgaopvtik")


class LinkCheck:
    """Checks addresses by the data and the account's list."""

    def __init__(self, data: LinkData, allowed: Sequence[AllowedDomain] = ()) -> None:
        self._data = data
        self._allowed = tuple(allowed)
        self._listed = tuple((x, _readable(x.domain)) for x in self._allowed)
        self._finder = Finder(data.endings)
        self._shorteners = frozenset(d for x in data.shorteners for d in x.domains)
        self._line = {d: x.kind for x in data.line for d in x.domains}
        self._elsewhere = {d: x.code for x in data.elsewhere for d in x.domains}
        self._campaign = frozenset(word for line in data.campaign for word in line)
        self._skeletons = {_skeleton(x.domain): x.domain for x in self._allowed}

    def check(self, text: str, *, use_case: str | None, pointer: str) -> list[Finding]:
        """What is to be said of the addresses of a text in which HOLE stands for parameters."""
        addresses = self._finder.find(text)[:MOST]
        found = [x for address in addresses for x in self.one(address, use_case=use_case, pointer=pointer)]
        for address in self._carried(text, addresses)[:MOST]:
            one = self.one(address, use_case=use_case, pointer=pointer)
            found += (x for x in one if x.code in _LEADS_AWAY)
        return found

    def _carried(self, text: str, addresses: Sequence[Address]) -> list[Address]:
        """Addresses that others carry, to lead on to them, and those that are percent-encoded as a whole."""
        pieces = [_decoded(f"{x.path}?{x.query}") for x in addresses]
        if "%" in text:
            pieces.append(_decoded(text))
        known = {x.host for x in addresses}
        found = (x for piece in pieces if ":" in piece for x in self._finder.find(piece))
        return [x for x in dict.fromkeys(found) if x.scheme in ("http", "https") and x.host not in known]

    def find(self, text: str) -> list[Address]:
        """The addresses of a text, taken apart."""
        return self._finder.find(text)

    def check_asset(self, text: str, *, pointer: str) -> list[Finding]:
        """The address of an image or the like, which nobody taps on: it must be there, and over https."""
        return [
            finding("link-not-https", pointer, x.written, "LINE loads images over https only: write https://")
            for x in self._finder.find(text)
            if x.scheme != "https"
        ]

    def one(self, address: Address, *, use_case: str | None, pointer: str) -> Iterator[Finding]:
        """The findings of one address."""
        if address.scheme not in _WEB:
            yield from self._other_scheme(address, pointer)
            return
        shown = address.written.replace(HOLE, "…")
        if HOLE in address.host + address.port or (address.user_info and HOLE in shown.split("@")[0]):
            yield finding(
                "link-host-parameter", pointer, shown,
                "Write the host out and let parameters stand behind the first slash only: a value could lead anywhere",
            )  # fmt: skip
            return
        hidden = list(self._hidden(address, shown, pointer))
        yield from hidden
        if all(x.code in ("link-not-https", "link-no-scheme") for x in hidden):
            yield from self._where(address, shown, use_case, pointer)

    def _other_scheme(self, address: Address, pointer: str) -> Iterator[Finding]:
        shown = address.written.replace(HOLE, "…")
        if address.scheme in ("mailto", "tel", "sms", "smsto"):
            if address.scheme == "tel" and not _DIAL.fullmatch(address.path):
                yield finding(
                    "link-scheme", pointer, shown, "This is no number to dial: write tel:+88621234567"
                )
            else:
                yield finding(
                    "link-contact", pointer, shown,
                    "LINE wants buttons to lead to a page about just this notice: expect to be asked why it does not",
                )  # fmt: skip
        elif address.scheme != "line":
            yield finding(
                "link-scheme",
                pointer,
                shown,
                "Lead to a web page (https) or to a LIFF app: nothing else opens surely",
            )

    def _hidden(self, address: Address, shown: str, pointer: str) -> Iterator[Finding]:
        """What keeps people from seeing where it leads."""
        host = address.host
        if address.user_info or address.odd:
            yield finding(
                "link-user-info", pointer, shown,
                "Write the address plainly, https://host/path: what stands before @ or behind \\ hides the host",
            )  # fmt: skip
        elif _NUMBER.fullmatch(host):
            yield finding("link-ip", pointer, shown, "Write the host's name: nobody knows a number's owner")
        elif (like := self._like(host)) is not None:
            whom = f"looks like {like} and is another host" if like else "is not written in plain letters"
            yield finding(
                "link-lookalike", pointer, shown,
                f"{_readable(host)} {whom}: write the right host, or put this one on the account's list if it is yours",
            )  # fmt: skip
        elif not host or (not _HOST.fullmatch(host) and self._allowance(host) is None):
            yield finding("link-ip", pointer, shown, "This names no host: write https://host/path")
        if not address.scheme and address.path:
            yield finding(
                "link-no-scheme",
                pointer,
                shown,
                f"Write https://{shown[:60]}: phones open it without https otherwise",
            )
        elif address.scheme == "http":
            yield finding(
                "link-not-https", pointer, shown, "Write https://: what is sent over http anybody can change"
            )

    def _like(self, host: str) -> str | None:
        """The host of the list that this one only looks like; "" for letters that are not plain; None: neither."""
        if self._allowance(host) is not None:
            return None
        if not host.isascii() or any(label.startswith("xn--") for label in host.split(".")):
            return self._skeletons.get(_skeleton(_readable(host)), "")
        parts = host.split(".")
        for n in range(len(parts) - 1):
            if (like := self._skeletons.get(_skeleton(".".join(parts[n:])))) is not None:
                return like
        return None

    def _allowance(self, host: str) -> AllowedDomain | None:
        return max(
            (
                x
                for x, domain in self._listed
                if in_domain(host, x.domain) or in_domain(_readable(host), domain)
            ),
            key=lambda x: len(x.domain),
            default=None,
        )

    def _where(self, address: Address, shown: str, use_case: str | None, pointer: str) -> Iterator[Finding]:
        """Where it leads."""
        host = address.host
        if (kind := _of(self._line, host)) is not None:
            if kind != "app":
                yield finding(
                    "link-line", pointer, shown,
                    "LINE shows a button to add the account by itself; lead to the page about just this notice",
                )  # fmt: skip
            return
        if (allowance := self._allowance(host)) is not None:
            if allowance.use_cases and use_case is not None and use_case not in allowance.use_cases:
                yield finding(
                    "link-off-list", pointer, shown,
                    f"{allowance.domain} is on the account's list for {', '.join(allowance.use_cases)[:100]} "
                    "only: use another address, or add the use case (PUT /v1/content-settings)",
                )  # fmt: skip
        elif any(in_domain(host, domain) for domain in self._shorteners):
            yield finding(
                "link-shortener", pointer, shown,
                "Write the address in full: carriers filter shortened ones, and nobody sees where they lead",
            )  # fmt: skip
            return
        elif not address.scheme and not address.path:
            return  # A business's name with a dot in it, as in Example.com, leads nowhere by itself.
        elif (code := _of(self._elsewhere, host)) is not None:
            yield finding(
                code, pointer, shown, "Lead to the page about just this notice, on the account's own site"
            )
        elif self._allowed:
            yield finding(
                "link-off-list", pointer, shown,
                f"{host[:60]} is not on the account's list: use one of its domains, or add this one "
                "(PUT /v1/content-settings)",
            )  # fmt: skip
        yield from self._page(address, shown, use_case, pointer)

    def _page(self, address: Address, shown: str, use_case: str | None, pointer: str) -> Iterator[Finding]:
        path = unquote(address.path).lower()
        parts = [part for part in path.split("/") if part]
        for part in parts:
            stem = part.partition(".")[0]
            if stem in self._campaign:
                yield finding(
                    "link-campaign", pointer, shown,
                    f"“{part[:40]}” is an advertisement's page: lead to the page about just this notice",
                )  # fmt: skip
                break
            if any(word in self._campaign for word in re.split(r"[-_.~+ ]", stem)):
                yield finding(
                    "link-campaign-maybe", pointer, shown,
                    f"“{part[:40]}” looks like a campaign's page: lead to the page about just this notice",
                )  # fmt: skip
                break
        if (
            path.strip("/") in self._data.front_pages
            and not address.query
            and HOLE not in address.path
            and use_case not in self._data.front_page_fits
        ):
            yield finding(
                "link-front-page", pointer, shown,
                "LINE wants links to the page about just this notice: this is the site's front page",
            )  # fmt: skip
        names = {pair.partition("=")[0].lower() for pair in address.query.split("&")}
        if counted := sorted(names & self._data.tracking):
            yield finding(
                "link-tracking", pointer, shown,
                f"{', '.join(counted)[:60]} count who came by an advertisement: reviewers ask about them",
            )  # fmt: skip

    @property
    def has_list(self) -> bool:
        """Whether the account says which domains are its own."""
        return bool(self._allowed)


def _of(domains: "dict[str, str]", host: str) -> str | None:
    labels = host.split(".")
    return next((x for n in range(len(labels)) if (x := domains.get(".".join(labels[n:]))) is not None), None)


def _decoded(text: str) -> str:
    """Percent-encoding undone, also where it was put on twice."""
    return unquote(unquote(text))


def _readable(host: str) -> str:
    """A host with its punycode undone."""
    labels: list[str] = []
    for label in host.split("."):
        try:
            labels.append(label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label)
        except (UnicodeError, ValueError):
            labels.append(label)
    return ".".join(labels)


def _skeleton(host: str) -> str:
    """The same for hosts that are taken for one another at a glance."""
    text = host.translate(_ALIKE)
    for written, seen in _GLANCE:
        text = text.replace(written, seen)
    return text
