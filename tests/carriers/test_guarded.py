"""Where a request to a URL that a user chose may go: addresses, names, redirects."""

import re
import socket
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from carriers.hooks import TAG, Names, posting
from todoke.carriers.addresses import kind_of, may_connect, objection
from todoke.carriers.callback import CallbackCarrier
from todoke.carriers.guarded import AddressRefused, guarded_session
from todoke.core.outcome import Outcome


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com/hook",
        "https://127.0.0.1/hook",
        "https://localhost/hook",
        "https://x.localhost./hook",
        "https://10.1.2.3/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00:ec2::254]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://user:pw@shop.example.com/",
        "https:///x",
        "file:///etc/passwd",
        "https://shop.example.com/\u202e",
        "nonsense",
        "https://[]@",
        "https://[",
    ],
)
async def test_a_url_that_must_not_be_called_is_refused_before_anything_is_done(url: str) -> None:
    names = Names(["203.0.113.7"])
    async with guarded_session(False, resolver=names) as http:
        answer = await CallbackCarrier(http, False).send(posting(url), TAG)
    assert answer.outcome is Outcome.FAILED
    assert (answer.detail or "").startswith("not sent: the callback URL")
    assert names.asked == 0


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "fd00::1",
        "fe80::1",
        "0.0.0.0",
    ],
)
async def test_a_public_name_with_an_address_inside_gets_no_connection(address: str) -> None:
    async with guarded_session(False, resolver=Names([address])) as http:
        answer = await CallbackCarrier(http, False).send(posting("https://rebound.example/hook"), TAG)
    assert answer.outcome is Outcome.FAILED
    assert (answer.detail or "").startswith(
        "not sent: rebound.example can't be used, it resolves to an address"
    )


async def test_a_name_that_changes_its_address_between_two_requests_is_caught(serve: Any, does: Any) -> None:
    server = await serve(does.answering(200, b"{}", "Connection: close"))
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    sent = posting(f"http://changing.example:{server.port}/")
    async with guarded_session(True, resolver=names) as http:
        sends = CallbackCarrier(http, True)
        assert (await sends.send(sent, TAG)).outcome is Outcome.ACCEPTED
        assert isinstance(http.connector, aiohttp.TCPConnector)
        http.connector.clear_dns_cache()
        answer = await sends.send(sent, TAG)
    assert answer.outcome is Outcome.FAILED
    assert "resolves to an address of this machine or network" in (answer.detail or "")
    assert (names.asked, len(server.requests)) == (2, 1)


async def test_of_several_addresses_only_the_allowed_ones_are_tried(serve: Any, does: Any) -> None:
    server = await serve(does.answering(200))
    names = Names(["169.254.169.254", "fe80::1", "127.0.0.1"])
    async with guarded_session(True, resolver=names) as http:
        answer = await CallbackCarrier(http, True).send(
            posting(f"http://several.example:{server.port}/"), TAG
        )
    assert answer.outcome is Outcome.ACCEPTED


async def test_the_session_itself_refuses_literal_addresses_and_redirects_inside(
    serve: Any, does: Any
) -> None:
    server = await serve(does.answering(200))
    async with guarded_session(False) as http:
        for url in (server.url, server.url.replace("127.0.0.1", "[::ffff:127.0.0.1]")):
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await http.post(url)
            assert isinstance(caught.value.os_error, AddressRefused)
    redirecting = await serve(does.answering(302, b"", "Location: http://169.254.169.254/latest"))
    async with guarded_session(True) as http:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await http.post(redirecting.url, allow_redirects=True)
        assert isinstance(caught.value.os_error, AddressRefused)
    assert server.connections == 0


async def test_no_proxy_of_the_environment_does_the_connecting(
    serve: Any, does: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await serve(does.answering(200))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("https_proxy", proxy.url)
    async with guarded_session(False, resolver=Names(["10.0.0.1"])) as http:
        answer = await CallbackCarrier(http, False).send(posting("https://inside.example/"), TAG)
    assert answer.outcome is Outcome.FAILED
    assert proxy.connections == 0


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", "public"),
        ("2606:4700:4700::1111", "public"),
        ("::ffff:8.8.8.8", "public"),
        ("64:ff9b::808:808", "public"),
        ("2002:808:808::", "public"),
        ("::8.8.8.8", "public"),
        ("127.8.8.8", "private"),
        ("192.168.1.1", "private"),
        ("172.31.0.1", "private"),
        ("100.64.0.1", "private"),
        ("198.18.0.1", "private"),
        ("192.0.2.1", "private"),
        ("::1", "private"),
        ("fc00::1", "private"),
        ("fec0::1", "private"),
        ("64:ff9b:1::808:808", "private"),
        ("2001:db8::1", "private"),
        ("::ffff:192.168.1.1", "private"),
        ("::192.168.1.1", "private"),
        ("64:ff9b::c0a8:101", "private"),
        ("::ffff:0:192.168.1.1", "private"),
        ("2002:c0a8:101::1", "private"),
        ("169.254.1.1", "never"),
        ("224.0.0.1", "never"),
        ("240.0.0.1", "never"),
        ("0.0.0.0", "never"),
        ("::", "never"),
        ("fe80::1", "never"),
        ("ff02::1", "never"),
        ("::ffff:169.254.169.254", "never"),
        ("64:ff9b::a9fe:a9fe", "never"),
        ("2002:a9fe:a9fe::", "never"),
        ("2001:0:a9fe:a9fe::", "never"),
        ("fd00:ec2::254", "never"),
        ("100.100.100.200", "never"),
        ("192.88.99.1", "never"),
        ("2002:c058:6301::", "never"),
        ("5f00::1", "never"),
        ("3fff::1", "never"),
    ],
)
def test_the_kind_of_an_address(address: str, kind: str) -> None:
    assert kind_of(ip_address(address)) == kind
    assert may_connect(address, False) == (kind == "public")
    assert may_connect(address, True) == (kind != "never")
    host = f"[{address}]" if ":" in address else address
    assert (objection(f"https://{host}/", False) is None) == (kind == "public")
    assert (objection(f"http://{host}/", True) is None) == (kind != "never")


@given(st.text(max_size=60) | st.from_regex(r"https?://[\[\]0-9a-fx.:%@/]{1,40}", fullmatch=True))
def test_any_url_that_passes_is_https_and_names_nothing_inside(text: str) -> None:
    may_connect(text, True)
    if objection(text, False) is not None:
        return
    url = URL(text)
    assert (url.scheme, url.user, url.password) == ("https", None, None)
    host = str(url.host)
    assert not host.rstrip(".").endswith("localhost")
    assert not re.fullmatch(r"[0-9a-fA-F:.]*", host) or ":" not in host or ip_address(host).is_global
    with suppress(OSError):
        assert may_connect(socket.inet_ntoa(socket.inet_aton(host)), False)
