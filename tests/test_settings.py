"""Settings: what they are where nothing is said, what is refused, and that the documentation lists them all."""

import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.settings import (
    DECLARED,
    Settings,
    SettingsError,
    ensure_data_dir,
    is_loopback,
    load,
    secret_from_file,
    settings_table,
    unknown_names,
)

DOCUMENT = Path(__file__).parents[1] / "docs" / "settings.md"
EMULATOR = "http://127.0.0.1:8600"


def loaded(**values: str) -> Settings:
    return load({f"TODOKE_{name}": value for name, value in values.items()})


def refused(**values: str) -> str:
    with pytest.raises(SettingsError) as error:
        loaded(**values)
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 400
    return text


# --- defaults ---------------------------------------------------------------------------------------------


def test_where_nothing_is_said_it_runs_on_loopback_with_sqlite_and_lines_own_api() -> None:
    settings = load({})
    assert settings.data_dir == Path.cwd() / "todoke-data"
    assert settings.database_url == f"sqlite:///{Path.cwd()}/todoke-data/todoke.db"
    assert (settings.line_api_base, settings.clock) == ("https://api.line.me", "system")
    assert (settings.host, settings.port, settings.base_url) == ("127.0.0.1", 8700, "http://127.0.0.1:8700")
    assert (settings.secret_key, settings.api_key, settings.sms_carriers) == (None, None, ())
    assert (settings.sms_secrets, settings.log_format) == ({}, "console")
    assert not settings.line_is_emulated


def test_an_empty_value_is_no_value() -> None:
    assert load({f"TODOKE_{d.name}": "" for d in DECLARED}) == load({})


def test_next_to_an_emulator_the_sms_go_through_it() -> None:
    settings = loaded(LINE_API_BASE=EMULATOR)
    assert (settings.sms_carriers, settings.line_is_emulated) == (("emulator",), True)
    assert loaded(LINE_API_BASE=EMULATOR, SMS_CARRIER="none").sms_carriers == ()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_listening_everywhere_is_no_address_to_be_reached_at(host: str) -> None:
    assert loaded(HOST=host, PORT="9000").base_url == "http://127.0.0.1:9000"


def test_an_ipv6_address_is_reached_in_brackets() -> None:
    assert loaded(HOST="::1").base_url == "http://[::1]:8700"


def test_what_is_set_is_taken() -> None:
    settings = loaded(
        DATA_DIR="/srv/todoke",
        DATABASE_URL="sqlite:////srv/other.db",
        LINE_API_BASE=EMULATOR + "/",
        SECRET_KEY="sixteen letters!",
        BASE_URL="https://notices.example/",
        HOST="::1",
        PORT="65535",
        CLOCK=EMULATOR,
        SMS_CARRIER="mitake",
        SMS_SECRETS="user=u\n\n  password = p=w \n",
        LOG_FORMAT="json",
        API_KEY="tdk_x",
    )
    assert (settings.data_dir, settings.database_url) == (Path("/srv/todoke"), "sqlite:////srv/other.db")
    assert (settings.line_api_base, settings.clock) == (EMULATOR, EMULATOR)
    assert (settings.secret_key, settings.base_url) == ("sixteen letters!", "https://notices.example")
    assert (settings.host, settings.port, settings.sms_carriers) == ("::1", 65535, ("mitake",))
    assert settings.sms_secrets == {"user": "u", "password": "p=w"}
    assert (settings.log_format, settings.api_key) == ("json", "tdk_x")


def test_several_sms_carriers_are_kept_in_their_order() -> None:
    assert loaded(SMS_CARRIER="b, a ,c").sms_carriers == ("b", "a", "c")


@pytest.mark.parametrize("text", ["a,,b", "a,a", ",", "none,a", "line", "../a", ".a", "a/b", "a\tb"])
def test_carriers_that_cant_be_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="TODOKE_SMS_CARRIER"):
        loaded(SMS_CARRIER=text)


def test_private_addresses_are_allowed_where_line_is_emulated_and_nowhere_else_unasked() -> None:
    assert not loaded().allow_private
    assert loaded(ALLOW_PRIVATE="yes").allow_private
    assert loaded(LINE_API_BASE=EMULATOR).allow_private
    assert not loaded(LINE_API_BASE=EMULATOR, ALLOW_PRIVATE="no").allow_private
    with pytest.raises(SettingsError, match="yes or no"):
        loaded(ALLOW_PRIVATE="true")


def test_the_courier_is_for_two_cores_and_the_machines_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert loaded().courier
    assert not loaded(COURIER="no").courier
    assert not loaded(LINE_API_BASE=EMULATOR, CLOCK=EMULATOR).courier
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert not loaded().courier
    assert loaded(COURIER="yes").courier


def test_a_database_elsewhere_follows_the_data_folder() -> None:
    assert loaded(DATA_DIR="/srv/x").database_url == "sqlite:////srv/x/todoke.db"
    assert loaded(DATA_DIR="~/x").data_dir == Path.home() / "x"


# --- secrets from files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [d.name for d in DECLARED])
def test_every_setting_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    values = {"PORT": "9000", "LINE_API_BASE": EMULATOR, "CLOCK": "system", "LOG_FORMAT": "json"}
    values |= {"BASE_URL": EMULATOR, "SMS_SECRETS": "a=b", "HOST": "::1"}
    values |= {"SMS_CARRIER": "mitake, every8d", "ALLOW_PRIVATE": "yes"}
    values |= {"KEEP_DAYS": "365", "ARCHIVE_DAYS": "0", "COURIER": "no"}
    value = values.get(name, "sqlite:////a/value/long/enough")
    file = tmp_path / "secret"
    file.write_text(f"\n {value} \n")
    assert load({f"TODOKE_{name}_FILE": str(file)}) == loaded(**{name: value})


def test_a_setting_given_twice_is_refused(tmp_path: Path) -> None:
    text = refused(SECRET_KEY="one that is long enough", SECRET_KEY_FILE=str(tmp_path / "x"))
    assert "TODOKE_SECRET_KEY" in text
    assert "Keep one" in text
    assert "long enough" not in text


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff"])
def test_a_secret_file_that_cant_be_read_is_named_and_its_content_is_not(
    content: bytes | None, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    text = refused(API_KEY_FILE=str(file))
    assert "TODOKE_API_KEY_FILE" in text
    assert str(file) in text
    assert "xff" not in text


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"PORT": "http"}, ["TODOKE_PORT", "'http'", "1 to 65535"]),
        ({"PORT": "0"}, ["TODOKE_PORT", "'0'"]),
        ({"KEEP_DAYS": "91"}, ["TODOKE_KEEP_DAYS", "'91'", "0 (for ever)", "92"]),
        ({"ARCHIVE_DAYS": "٣"}, ["TODOKE_ARCHIVE_DAYS", "'٣'"]),
        ({"ARCHIVE_DAYS": "100000"}, ["TODOKE_ARCHIVE_DAYS", "99999"]),
        ({"PORT": "65536"}, ["TODOKE_PORT", "'65536'"]),
        ({"PORT": "-1"}, ["TODOKE_PORT", "'-1'"]),
        ({"PORT": "٨٧٠٠"}, ["TODOKE_PORT"]),
        (
            {"LINE_API_BASE": "api.line.me"},
            ["TODOKE_LINE_API_BASE", "'api.line.me'", "http://127.0.0.1:8600"],
        ),
        ({"LINE_API_BASE": "ftp://x"}, ["TODOKE_LINE_API_BASE", "'ftp://x'"]),
        ({"LINE_API_BASE": "http://"}, ["TODOKE_LINE_API_BASE"]),
        ({"LINE_API_BASE": "http://[::1"}, ["TODOKE_LINE_API_BASE", "'http://[::1'"]),
        ({"LINE_API_BASE": "http://127.0.0.1:86000"}, ["TODOKE_LINE_API_BASE", ":86000"]),
        ({"LINE_API_BASE": "http://127.0.0.1:x"}, ["TODOKE_LINE_API_BASE"]),
        ({"BASE_URL": "notices.example"}, ["TODOKE_BASE_URL", "'notices.example'"]),
        ({"BASE_URL": "http://a\nb"}, ["TODOKE_BASE_URL"]),
        ({"CLOCK": "real", "LINE_API_BASE": EMULATOR}, ["TODOKE_CLOCK", "'real'"]),
        ({"SECRET_KEY": "short"}, ["TODOKE_SECRET_KEY", "16"]),
        ({"LOG_FORMAT": "xml"}, ["TODOKE_LOG_FORMAT", "'xml'", "console or json"]),
        ({"SMS_SECRETS": "user"}, ["TODOKE_SMS_SECRETS", "name=value"]),
        ({"SMS_SECRETS": "=x"}, ["TODOKE_SMS_SECRETS", "name=value"]),
        ({"DATA_DIR": "~nobody-of-this-name/x"}, ["TODOKE_DATA_DIR", "~nobody-of-this-name"]),
    ],
)
def test_a_value_that_cant_be_used_is_named_in_one_line_with_the_remedy(
    values: dict[str, str], words: list[str]
) -> None:
    text = refused(**values)
    assert [w for w in words if w not in text] == []


@pytest.mark.parametrize("secret", ["SECRET_KEY", "SMS_SECRETS"])
def test_a_secret_that_is_refused_is_not_shown(secret: str) -> None:
    assert "hunter2" not in refused(**{secret: "hunter2"})


# --- the virtual clock ------------------------------------------------------------------------------------


def test_a_virtual_clock_goes_only_with_an_emulator() -> None:
    text = refused(CLOCK=EMULATOR)
    assert "TODOKE_CLOCK" in text
    assert "TODOKE_LINE_API_BASE" in text
    assert "TODOKE_CLOCK" in refused(CLOCK=EMULATOR, LINE_API_BASE="https://staging.example")
    assert loaded(CLOCK=EMULATOR, LINE_API_BASE=EMULATOR).clock == EMULATOR


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8600", True),
        ("http://127.8.9.1", True),
        ("http://localhost:8600", True),
        ("http://LOCALHOST", True),
        ("http://[::1]:8600", True),
        ("https://api.line.me", False),
        ("http://127.0.0.1.example.com", False),
        ("http://127.evil", False),
        ("http://localhost.example.com", False),
        ("http://user@example.com:8600", False),
        ("http://127.0.0.1@example.com", False),
        ("http://10.0.0.1", False),
        ("http://0.0.0.0", False),
        ("http://128.0.0.1", False),
        ("", False),
    ],
)
def test_only_this_machines_own_addresses_are_loopback(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


# --- names ------------------------------------------------------------------------------------------------


def test_mistyped_names_are_listed_and_known_ones_are_not() -> None:
    known = {f"TODOKE_{d.name}{suffix}": "x" for d in DECLARED for suffix in ("", "_FILE")}
    wrong = {"TODOKE_PROT": "1", "TODOKE_": "", "TODOKE_HOST_FILES": "x", "TODOKE_port": "1"}
    assert unknown_names({**known, **wrong, "PATH": "x", "TODOKEX": "x"}) == sorted(wrong)


@given(
    st.dictionaries(st.sampled_from([f"TODOKE_{d.name}" for d in DECLARED]), st.text(max_size=30), max_size=3)
)
def test_whatever_the_environment_holds_is_settings_or_one_clear_line(environment: dict[str, str]) -> None:
    text = ""
    try:
        load({name: value.replace("\0", "") for name, value in environment.items()})
    except SettingsError as error:
        text = str(error)
    assert "\n" not in text


# --- the data folder and the secrets in it ----------------------------------------------------------------


def test_the_data_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    settings = loaded(DATA_DIR=str(tmp_path / "a" / "b"))
    ensure_data_dir(settings)
    ensure_data_dir(settings)
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    assert sorted(p.name for p in settings.data_dir.iterdir()) == ["carriers", "running", "uploads"]
    assert list((settings.data_dir / "running").iterdir()) == []


def test_a_data_folder_that_cant_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = loaded(DATA_DIR=str(tmp_path / "file" / "data"))
    with pytest.raises(SettingsError, match=r"file/data can't be written.*TODOKE_DATA_DIR"):
        ensure_data_dir(settings)


def test_a_secret_is_made_once_kept_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    secret = secret_from_file(path)
    assert len(secret) >= 32
    assert secret_from_file(path) == secret == path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["secret.key"]
    assert secret_from_file(tmp_path / "another.key") != secret


def test_of_two_processes_that_make_a_secret_at_once_both_take_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret.key"
    link = os.link

    def link_too_late(source: Path, target: Path) -> None:
        path.write_text("the other's secret\n")
        link(source, target)

    monkeypatch.setattr(os, "link", link_too_late)
    assert secret_from_file(path) == "the other's secret"
    assert [p.name for p in tmp_path.iterdir()] == ["secret.key"]


def test_a_process_killed_while_it_made_a_secret_leaves_no_empty_one_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret.key"

    class Killed(BaseException):
        pass

    def killed(_: int) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed)
        with pytest.raises(Killed):
            secret_from_file(path)
    assert not path.exists()
    assert len(secret_from_file(path)) >= 32


def test_an_empty_secret_is_never_used(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_text("\n")
    with pytest.raises(SettingsError, match=r"secret\.key is empty"):
        secret_from_file(path)


# --- the documentation ------------------------------------------------------------------------------------


def test_the_documented_table_is_the_declared_one() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.search(r"<!-- settings:begin -->\n(.*?)<!-- settings:end -->", text, re.DOTALL)
    assert found, f"{DOCUMENT} has no block between settings:begin and settings:end"
    assert found[1].strip() == settings_table(), "Put what `todoke.settings.settings_table()` gives there."


def test_the_table_has_one_row_a_setting_and_says_which_are_secret() -> None:
    head, rule, *rows = settings_table().splitlines()
    assert head.count("|") == rule.count("|") == 4
    assert [row.split("`")[1] for row in rows] == [f"TODOKE_{d.name}" for d in DECLARED]
    assert all(row.count("|") == 4 for row in rows)
    assert {row.split("`")[1] for row in rows if row.endswith("Secret. |")} == {
        f"TODOKE_{d.name}" for d in DECLARED if d.secret
    }


def test_each_documented_default_is_the_real_one() -> None:
    settings, shown = load({}), {d.name: d.default for d in DECLARED}
    assert shown["HOST"] == settings.host
    assert shown["PORT"] == str(settings.port)
    assert shown["LINE_API_BASE"] == settings.line_api_base
    assert shown["CLOCK"] == settings.clock
    assert shown["LOG_FORMAT"] == settings.log_format
    assert Path(shown["DATA_DIR"]).absolute() == settings.data_dir


def test_a_line_break_in_the_data_folder_stays_within_the_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="a folder with") as error:
        load({"TODOKE_DATA_DIR": str(tmp_path / "a\n#b")})
    assert "\n" not in str(error.value)
