"""Settings, declared once: name, default, meaning. Read only by the commands and by `wiring`.

Each comes from the environment as TODOKE_NAME, or from the file that TODOKE_NAME_FILE names. The table in
`docs/settings.md` is made from this file.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

PREFIX = "TODOKE_"
LEAST_KEPT = 92
"""Days: longer than what tells of a notice is kept beside it, and than an answer to an SMS counts for its sender."""


class SettingsError(Exception):
    """A setting that can't be used; the text names it, its value and the remedy."""


class Declared(NamedTuple):
    """A setting: its default as people read it, what it is for, and whether its value is secret."""

    name: str
    default: str
    help: str
    secret: bool = False


DECLARED = (
    Declared(
        "DATA_DIR",
        "./todoke-data",
        "The folder for the database, uploads, keys and carriers. Made if missing.",
    ),
    Declared(
        "DATABASE_URL",
        "a SQLite file in DATA_DIR",
        "`sqlite:////path/to/file.db`. May hold a password.",
        secret=True,
    ),
    Declared(
        "LINE_API_BASE", "https://api.line.me", "Where LINE's API is; an emulator's address to rehearse."
    ),
    Declared(
        "SECRET_KEY",
        "made at the first start: secret.key in DATA_DIR",
        "Seals channel secrets and tokens in the database. At least 16 characters.",
        secret=True,
    ),
    Declared(
        "BASE_URL",
        "http://HOST:PORT",
        "How carriers and browsers reach this gateway; it stands in receipt addresses.",
    ),
    Declared("HOST", "127.0.0.1", "The address to listen on."),
    Declared("PORT", "8700", "The port to listen on."),
    Declared(
        "CLOCK",
        "system",
        "`system`, or an emulator's address: the gateway then follows its clock. Only with LINE_API_BASE on loopback.",
    ),
    Declared(
        "COURIER",
        "`yes` where CLOCK is `system` and there are two cores or more, else `no`",
        "Whether notifications leave to LINE from a process of their own, so that two cores work: `yes` or `no`. The "
        "gateway starts and ends it.",
    ),
    Declared(
        "SMS_CARRIER",
        "the emulator's own where LINE_API_BASE is on loopback, else none",
        "The name of a declaration in DATA_DIR/carriers, without .yaml; several, separated by commas, are tried in "
        "that order; or `none`. See docs/sms-carriers.md.",
    ),
    Declared(
        "SMS_SECRETS",
        "none",
        "Secrets that the declaration names, as `name=value` lines.",
        secret=True,
    ),
    Declared(
        "ALLOW_PRIVATE",
        "`yes` where LINE_API_BASE is on loopback, else `no`",
        "Whether SMS carriers, webhook endpoints and targets of the hub may be at addresses of this machine or "
        "network: `yes` or `no`.",
    ),
    Declared("LOG_FORMAT", "console", "`console` for people, `json` for machines."),
    Declared(
        "API_KEY",
        "api.key in DATA_DIR",
        "The key that the commands use towards a running gateway.",
        secret=True,
    ),
    Declared(
        "KEEP_DAYS",
        "200",
        "Days after their end for which notices stay in the database, at least 92; then they go to the archive. 0: for "
        "ever. See docs/retention.md.",
    ),
    Declared(
        "ARCHIVE_DAYS",
        "730",
        "Further days after which an archived month is deleted. 0: never.",
    ),
    Declared(
        "CHROMIUM",
        "the first of chromium, chromium-browser, google-chrome on PATH",
        "The Chromium that makes pictures: a path, or a name on PATH. Only pictures need it.",
    ),
)


def settings_table() -> str:
    """The settings as a Markdown table, for `docs/settings.md`."""
    rows = ["| Setting | Default | What it is for |", "| --- | --- | --- |"]
    for d in DECLARED:
        secret = " Secret." if d.secret else ""
        rows.append(f"| `{PREFIX}{d.name}` | {d.default} | {d.help}{secret} |")
    return "\n".join(rows)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings, checked."""

    data_dir: Path
    database_url: str
    line_api_base: str
    secret_key: str | None
    base_url: str
    host: str
    port: int
    clock: str
    courier: bool
    sms_carriers: tuple[str, ...]
    """In the order in which they are tried."""
    allow_private: bool
    sms_secrets: dict[str, str]
    log_format: str
    api_key: str | None
    chromium: str | None
    keep_days: int
    """0: for ever."""
    archive_days: int
    """0: for ever."""

    @property
    def line_is_emulated(self) -> bool:
        """Whether LINE's base URL is on loopback: then every number counts as a test number."""
        return is_loopback(self.line_api_base)


def is_loopback(url: str) -> bool:
    """Whether an address can only be this machine's own."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or (host.startswith("127.") and host.replace(".", "").isdigit())


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Reads the environment. Raises SettingsError for a value that can't be used."""
    env = os.environ if environment is None else environment
    values = {d.name: _value(env, d.name) for d in DECLARED}

    def get(name: str, default: str) -> str:
        return values[name] or default

    data_dir = _folder(get("DATA_DIR", "todoke-data"))
    if "?" in str(data_dir) or "#" in str(data_dir):
        raise SettingsError(
            f"TODOKE_DATA_DIR is {str(data_dir)!r}; a folder with ? or # in its name can't be used."
        )
    host = get("HOST", "127.0.0.1")
    port = _port(get("PORT", "8700"))
    line_api_base = _url("LINE_API_BASE", get("LINE_API_BASE", "https://api.line.me"))
    clock = get("CLOCK", "system")
    if clock != "system":
        clock = _url("CLOCK", clock)
        if not is_loopback(line_api_base):
            raise SettingsError(
                f"TODOKE_CLOCK is {clock!r}, but TODOKE_LINE_API_BASE is {line_api_base!r}. A virtual clock goes "
                "only with an emulator: leave TODOKE_CLOCK out, or point TODOKE_LINE_API_BASE at it."
            )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104
    secret_key = values["SECRET_KEY"]
    if secret_key is not None and len(secret_key) < 16:
        raise SettingsError("TODOKE_SECRET_KEY has fewer than 16 characters. Take a long random one.")
    log_format = get("LOG_FORMAT", "console")
    if log_format not in ("console", "json"):
        raise SettingsError(f"TODOKE_LOG_FORMAT is {log_format!r}; it can be console or json.")
    return Settings(
        data_dir=data_dir,
        database_url=get("DATABASE_URL", f"sqlite:///{data_dir / 'todoke.db'}"),
        line_api_base=line_api_base,
        secret_key=secret_key,
        base_url=_url("BASE_URL", get("BASE_URL", f"http://{shown}:{port}")),
        host=host,
        port=port,
        clock=clock,
        courier=_yes_or_no("COURIER", values["COURIER"], clock == "system" and _cores() > 1),
        sms_carriers=_carriers(values["SMS_CARRIER"], is_loopback(line_api_base)),
        allow_private=_yes_or_no("ALLOW_PRIVATE", values["ALLOW_PRIVATE"], is_loopback(line_api_base)),
        sms_secrets=_pairs(values["SMS_SECRETS"] or ""),
        log_format=log_format,
        api_key=values["API_KEY"],
        chromium=values["CHROMIUM"],
        keep_days=_days("KEEP_DAYS", get("KEEP_DAYS", "200"), LEAST_KEPT),
        archive_days=_days("ARCHIVE_DAYS", get("ARCHIVE_DAYS", "730"), 1),
    )


def _value(env: Mapping[str, str], name: str) -> str | None:
    direct, file = env.get(PREFIX + name), env.get(f"{PREFIX}{name}_FILE")
    if direct and file:
        raise SettingsError(f"Both {PREFIX}{name} and {PREFIX}{name}_FILE are set. Keep one of them.")
    if not file:
        return direct or None
    try:
        return Path(file).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise SettingsError(f"{PREFIX}{name}_FILE names {file!r}, which can't be read: {why}.") from None


def unknown_names(environment: Mapping[str, str] | None = None) -> list[str]:
    """Variables that look like settings and are none, such as a mistyped one."""
    env = os.environ if environment is None else environment
    known = {PREFIX + d.name for d in DECLARED} | {f"{PREFIX}{d.name}_FILE" for d in DECLARED}
    return sorted(name for name in env if name.startswith(PREFIX) and name not in known)


def _carriers(text: str | None, emulated: bool) -> tuple[str, ...]:
    if text is None:
        return ("emulator",) if emulated else ()
    names = [name.strip() for name in text.split(",")]
    if names == ["none"]:
        return ()
    for name in names:
        if name == "line":
            raise SettingsError(
                "TODOKE_SMS_CARRIER names a carrier 'line', which is LINE's. Call it otherwise."
            )
        if not name or not name.isprintable() or "/" in name or name.startswith(".") or name == "none":
            raise SettingsError(
                f"TODOKE_SMS_CARRIER is {text!r}; it must be a name of a declaration, several separated by commas, "
                "or none."
            )
        if names.count(name) > 1:
            raise SettingsError(f"TODOKE_SMS_CARRIER names {name!r} twice. Name each carrier once.")
    return tuple(names)


def _cores() -> int:
    """That this process may use; not every system tells."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _yes_or_no(name: str, text: str | None, default: bool) -> bool:
    if text is None:
        return default
    if text not in ("yes", "no"):
        raise SettingsError(f"TODOKE_{name} is {text!r}; it can be yes or no.")
    return text == "yes"


def _days(name: str, text: str, least: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 5 or 0 < int(text) < least:
        raise SettingsError(
            f"TODOKE_{name} is {text[:40]!r}; it must be 0 (for ever) or a number of days from {least} to 99999."
        )
    return int(text)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingsError(f"TODOKE_PORT is {text!r}; it must be a number from 1 to 65535.")
    return int(text)


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise SettingsError(
            f"TODOKE_DATA_DIR is {text!r}, and whose home folder that is can't be found. Write the whole path."
        ) from None


def _url(name: str, text: str) -> str:
    try:
        parts = urlsplit(text)
        # Reading the port checks it; urlsplit itself drops line breaks and tabs in silence.
        usable = (
            parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and text.isprintable()
        )
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(
            f"TODOKE_{name} is {text!r}; it must be an address such as http://127.0.0.1:8600."
        )
    return text.rstrip("/")


def _pairs(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if line.strip() and not (equals and name):
            raise SettingsError("TODOKE_SMS_SECRETS has a line that is not name=value.")
        if name:
            pairs[name.strip()] = value.strip()
    return pairs


def ensure_data_dir(settings: Settings) -> None:
    """Makes the data folder, readable by its owner only. Raises SettingsError where it can't be written."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in ("uploads", "carriers", "running"):
            (settings.data_dir / folder).mkdir(exist_ok=True, mode=0o700)
        probe = settings.data_dir / "running" / f".probe-{os.getpid()}"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"The data folder {settings.data_dir} can't be written ({error.strerror}). "
            "Make it writable, or set TODOKE_DATA_DIR to another."
        ) from None


def secret_from_file(path: Path) -> str:
    """A random secret, made at the first call and kept in a file that only its owner can read.

    Raises SettingsError where the file is empty.
    """
    if not path.exists():
        # Linked only when it is whole: neither a kill nor a second process may meet an empty key.
        made = path.with_name(f".{path.name}-{os.getpid()}")
        made.unlink(missing_ok=True)
        with os.fdopen(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as opened:
            opened.write(secrets.token_urlsafe(32) + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        try:
            os.link(made, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            made.replace(path)
        made.unlink(missing_ok=True)
    secret = path.read_text().strip()
    if not secret:
        raise SettingsError(
            f"{path} is empty, and it must hold a secret. Put the one back that was there; if nothing was ever "
            "sealed with it, delete the file and start again."
        )
    return secret
