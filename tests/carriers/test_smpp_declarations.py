"""Declarations of SMPP providers: every error names file, field and remedy."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers.smsc import DECLARATION
from todoke.carriers.declarations import DeclarationError
from todoke.carriers.smpp import load_smpp, parse_smpp

GOOD = DECLARATION.format(host="smpp.example.com", port=2775)


def test_a_good_declaration_is_read(tmp_path: Path) -> None:
    file = tmp_path / "relay.yaml"
    file.write_text(GOOD)
    declaration = load_smpp(file)
    assert (declaration.name, declaration.secret_name, declaration.timeout_seconds) == ("relay", "RELAY", 5.0)
    assert (declaration.bind, declaration.encodings, declaration.unclear) == (
        "transceiver",
        ("gsm7", "ucs2"),
        (8, 255),
    )


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("port: 2775", "prot: 2775", "prot", "did you mean port?"),
        ("port: 2775", "", "port", "is missing"),
        ("port: 2775", "port: 70000", "port", "<= 65535"),
        ("tls: false\n", "", "tls", "is missing"),
        ('"{secret:RELAY}"', "hunter2", "password", "{secret:NAME}"),
        ('"{secret:RELAY}"', "12345678", "password", "{secret:NAME}"),
        ('"{secret:RELAY}"', '"{secret:RE LAY}"', "password", "expected `str` matching"),
        ("smpp.example.com", "127.0.0.1", "host", "an address of this machine or network"),
        ("smpp.example.com", "10.1.2.3", "host", "an address of this machine or network"),
        ("smpp.example.com", "169.254.169.254", "host", "can't be meant"),
        ("smpp.example.com", "'2130706433'", "host", "can't be meant"),
        ("smpp.example.com", '"::1"', "host", "an address of this machine or network"),
        ("smpp.example.com", "smpp.example.com:2775", "host", "the port stands in port"),
        ("smpp.example.com", "a/b@c", "host", "is no host name"),
        ("address: SHOP", "address: TWELVE CHARS", "source.address", "over 11 characters"),
        ("address: SHOP", "address: SHOP, tone: 5", "source.tone", "did you mean ton?"),
        ("system_id: shop", "system_id: sixteen-letters-x", "system_id", "matching"),
        ("rate: 2000", "rate: 0", "rate", "> 0"),
        ("timeout: 5s", "timeout: 90s", "timeout", "at most 60s"),
        ("timeout: 5s", "timeout: soon", "timeout", "matching"),
        ("first: 20ms", "first: 2s", "reconnect", "at most as long as most"),
        ("receipts: true", "receipts: true\nca_file: x.pem", "ca_file", "set tls: true"),
        ("kind: smpp", "kind: smtp", "kind", "invalid enum value"),
        ("receipts: true", "receipts: [", "line", "is not YAML"),
    ],
)
def test_an_error_names_the_field_and_the_remedy(old: str, new: str, field: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(DeclarationError) as refused:
        parse_smpp(GOOD.replace(old, new), "relay.yaml")
    assert refused.value.field.startswith(field)
    assert str(refused.value).startswith("relay.yaml: ")
    assert words in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_private_hosts_pass_where_they_are_allowed_and_metadata_never_does() -> None:
    for host in ("10.1.2.3", "localhost", "127.0.0.1"):
        assert parse_smpp(GOOD.replace("smpp.example.com", host), "x", allow_private=True).host == host
    with pytest.raises(DeclarationError):
        parse_smpp(GOOD.replace("smpp.example.com", "169.254.169.254"), "x", allow_private=True)


def test_a_file_that_is_none_is_said_so(tmp_path: Path) -> None:
    big, odd = tmp_path / "big.yaml", tmp_path / "odd.yaml"
    big.write_bytes(b"#" * 70_000)
    odd.write_bytes(b"\xff\xfe\x00")
    for path, words in ((tmp_path / "none.yaml", "can't be read"), (big, "over 64 KiB"), (odd, "not UTF-8")):
        with pytest.raises(DeclarationError, match=words):
            load_smpp(path)


@given(st.text(max_size=200))
def test_any_text_is_refused_with_words(text: str) -> None:
    with pytest.raises(DeclarationError):
        parse_smpp(text, "relay.yaml")


def test_the_example_in_the_documentation_is_a_good_declaration() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sms-carriers.md").read_text(encoding="utf-8")
    section = page[page.index("## SMPP") :]
    example = section.partition("```yaml\n")[2].partition("```")[0]
    assert parse_smpp(example, "example.yaml").name == "relay"
