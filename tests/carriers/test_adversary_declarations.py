"""Declarations of SMS carriers that would keep the start busy for ever, or end it with a stack trace."""

from pathlib import Path

import pytest

from todoke.carriers.declarations import DeclarationError, declared_kind
from todoke.carriers.smpp import load_smpp
from todoke.carriers.sms_http import load_declaration


def bomb(least: str, bound: str) -> str:
    """Nine of nine of nine …: some 10^11 values in two kilobytes."""
    text = f"&a0 {least}"
    for i in range(1, 12):
        text = f"&a{i} " + bound.format(text + f", *a{i - 1}" * 8)
    return text


HOSTILE = [
    bomb("[z, z, z]", "[{}]"),
    bomb("{k: z}", "{{<<: [{}]}}"),
    "&r [*r]",
    "&r {a: *r}",
    r'"\ud800"',
    "!!timestamp nonsense",
    "!!int x",
    "!!binary é",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", ["name", "method", "encoding", "fields", "more"])
def test_a_hostile_http_declaration_is_refused_at_once(tmp_path: Path, field: str, value: str) -> None:
    file = tmp_path / "shop.yaml"
    plain = {"name": "shop", "url": "https://sms.example.com/", "fields": '{to: "{to}", text: "{text}"}'}
    lines = {**plain, "success": "{statuses: [200]}", "receipts": "false", field: value}
    file.write_text("".join(f"{k}: {v}\n" for k, v in lines.items()))
    assert declared_kind(file) == "http"
    with pytest.raises(DeclarationError):
        load_declaration(file)


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", ["name", "host", "system_id", "source", "more"])
def test_a_hostile_smpp_declaration_is_refused_at_once(tmp_path: Path, field: str, value: str) -> None:
    file = tmp_path / "relay.yaml"
    plain = {"kind": "smpp", "name": "relay", "host": "smpp.example.com", "port": "2775", "system_id": "x"}
    lines = {**plain, "password": '"{secret:P}"', "source": "{address: SHOP}", field: value}
    file.write_text("".join(f"{k}: {v}\n" for k, v in lines.items()))
    with pytest.raises(DeclarationError):
        load_smpp(file)


def test_a_file_without_end_is_refused_before_it_is_read_whole() -> None:
    for load in (load_declaration, load_smpp):
        with pytest.raises(DeclarationError, match="over 64 KiB"):
            load(Path("/dev/zero"))
