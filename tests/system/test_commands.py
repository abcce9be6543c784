"""The real `todoke` command against what can go wrong: one line that says what to do, and never a traceback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from command_support import Result, command
from emulator_support import RunningEmulator
from gateway_support import PARCEL
from todoke import settings
from todoke.cli import serve
from todoke.cli.main import app
from todoke.storage.database import needs_upgrade

TODOKE = Path(sys.executable).parent / "todoke"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Shell:
    """Runs `todoke` in a folder of its own, with nothing of the machine's settings."""

    def __init__(self, folder: Path, **values: str) -> None:
        self.folder = folder
        self.environment = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "TODOKE_DATA_DIR": str(folder / "data"),
            "TODOKE_PORT": str(free_port()),
        } | {f"TODOKE_{name}": value for name, value in values.items()}

    async def start(self, *arguments: str, **values: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            str(TODOKE),
            *arguments,
            env=self.environment | {f"TODOKE_{name}": value for name, value in values.items()},
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str, **values: str) -> Result:
        environment = self.environment | {f"TODOKE_{name}": value for name, value in values.items()}
        return await command(environment, self.folder, *arguments)

    async def fails(self, *arguments: str, say: tuple[str, ...], **values: str) -> None:
        """The command must end with one line that holds these words, and an exit code that is not 0."""
        code, out, err = await self.run(*arguments, **values)
        assert code > 0, (arguments, out, err)
        assert out == ""
        assert err.count("\n") == 1, err
        line = err.strip()
        assert line.startswith("todoke: ")
        for word in say:
            assert word in line, line
        assert "Traceback" not in line

    async def json(self, *arguments: str) -> Any:
        code, out, err = await self.run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)


@asynccontextmanager
async def serving(shell: Shell) -> AsyncIterator[asyncio.subprocess.Process]:
    """A real gateway, from the moment it says where it listens until it has ended well."""
    process = await shell.start("serve")
    assert process.stdout is not None
    async with asyncio.timeout(30):
        first = await process.stdout.readline()
    assert first.decode().strip() == f"Todoke listens on http://127.0.0.1:{shell.environment['TODOKE_PORT']}"
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert "Traceback" not in err.decode()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


async def test_an_emulator_that_is_not_running_is_named_with_its_address(shell: Shell) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    await shell.fails(
        "serve",
        LINE_API_BASE=nobody,
        CLOCK=nobody,
        say=(nobody, "no emulator answers", "line-emulator serve"),
    )


async def test_a_port_that_is_taken_is_named(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        await shell.fails("serve", PORT=port, say=(port, "taken", "TODOKE_PORT"))


@pytest.mark.parametrize(
    "command", [("serve",), ("migrate",), ("keys", "create"), ("keys", "create", "--json")]
)
async def test_a_data_folder_that_can_not_be_made_is_named(shell: Shell, command: tuple[str, ...]) -> None:
    blocked = shell.folder / "file" / "data"
    blocked.parent.write_text("a regular file")
    await shell.fails(
        *command, DATA_DIR=str(blocked), say=(str(blocked), "can't be written", "TODOKE_DATA_DIR")
    )
    assert blocked.parent.read_text() == "a regular file"


def test_a_data_folder_that_is_read_only_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in for the file system: to the administrator, as whom tests may run, no folder is read-only."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(settings.SettingsError) as caught:
        settings.ensure_data_dir(settings.load({"TODOKE_DATA_DIR": str(tmp_path)}))
    said = str(caught.value)
    assert str(tmp_path) in said
    assert "Permission denied" in said
    assert "TODOKE_DATA_DIR" in said
    assert "\n" not in said


async def test_a_database_file_that_is_none_is_named_and_left_as_it_is(shell: Shell) -> None:
    nonsense = b"no database at all, " * 100
    file = shell.folder / "todoke.db"
    file.write_bytes(nonsense)
    await shell.fails("serve", DATA_DIR=str(shell.folder), say=("no SQLite file", "TODOKE_DATA_DIR"))
    assert file.read_bytes() == nonsense


APART = """
import os, socket, sys
from pathlib import Path
from todoke.cli.serve import _upgrade_apart
from todoke.settings import load
from todoke.storage.database import needs_upgrade

current = load()
for _ in range(2):
    print(needs_upgrade(current.database_url), end=" ")
    _upgrade_apart(current, socket.socket())
print("alembic" in sys.modules, Path("/proc/self/task", str(os.getpid()), "children").read_text())
"""


def test_tables_are_made_in_a_process_that_ends_with_that(tmp_path: Path) -> None:
    """And what it can't mend stays as it is, for the gateway to say."""

    def begun(folder: Path) -> str:
        own = {"TODOKE_DATA_DIR": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        run = [sys.executable, "-c", APART]
        return subprocess.run(run, env=own, capture_output=True, check=True, text=True).stdout

    assert begun(tmp_path / "new").split() == ["True", "False", "False"]
    with closing(sqlite3.connect(tmp_path / "new" / "todoke.db")) as connection:
        assert connection.execute("SELECT count(*) FROM notices").fetchone() == (0,)
    broken = tmp_path / "broken" / "todoke.db"
    broken.parent.mkdir()
    broken.write_bytes(b"no database at all, " * 100)
    assert begun(broken.parent).split() == ["True", "True", "False"]
    assert broken.read_bytes() == b"no database at all, " * 100
    assert not needs_upgrade("sqlite://")
    assert not needs_upgrade("sqlite:///:memory:")


APART_IN_VAIN = """
import os, signal, socket
from todoke.cli import serve
from todoke.settings import load
from todoke.storage.database import needs_upgrade

async def is_killed(current):
    os.kill(os.getpid(), signal.SIGKILL)

def no_room():
    raise BlockingIOError(11, "Resource temporarily unavailable")

serve._migrate = is_killed
for by_starter in (signal.SIG_DFL, signal.SIG_IGN):
    signal.signal(signal.SIGCHLD, by_starter)
    serve._upgrade_apart(load(), socket.socket())
os.fork = no_room
serve._upgrade_apart(load(), socket.socket())
print(needs_upgrade(load().database_url))
"""


def test_where_a_process_for_the_tables_can_not_be_had_or_is_killed_the_gateway_goes_on(
    tmp_path: Path,
) -> None:
    """Also under a starter of services that left SIGCHLD ignored. What it does then is said in one line."""
    own = {"TODOKE_DATA_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", APART_IN_VAIN], env=own, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["True"]), done.stderr
    (line,) = done.stderr.splitlines()
    assert "signal 9" in line
    assert "lack of memory" in line


def test_migrate_that_is_interrupted_does_not_say_that_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(current: settings.Settings) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(serve, "_migrate", interrupted)
    result = CliRunner().invoke(app, ["migrate"], env={"TODOKE_DATA_DIR": str(tmp_path)})
    assert result.exit_code != 0
    assert "at this version" not in result.output + result.stderr


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"PORT": "many"}, ("TODOKE_PORT", "'many'")),
        ({"LINE_API_BASE": "line"}, ("TODOKE_LINE_API_BASE", "'line'")),
        ({"CLOCK": "http://127.0.0.1:1"}, ("TODOKE_CLOCK", "TODOKE_LINE_API_BASE")),
        ({"DATABASE_URL": "postgresql://localhost/x"}, ("TODOKE_DATABASE_URL", "SQLite")),
        ({"SECRET_KEY": "short"}, ("TODOKE_SECRET_KEY", "16")),
        ({"SMS_CARRIER": "nobody"}, ("TODOKE_SMS_CARRIER", "'nobody'")),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else None,
)
async def test_a_setting_that_can_not_be_used_is_named(
    shell: Shell, values: dict[str, str], words: tuple[str, ...]
) -> None:
    await shell.fails("serve", say=words, **values)


async def test_commands_without_a_gateway_or_a_key_say_how_to_get_one(shell: Shell) -> None:
    await shell.fails("report", say=("no API key", "api.key", "todoke serve"))
    await shell.fails("status", "x", API_KEY="tdk_x", say=("No gateway answers", "todoke serve"))
    await shell.fails("channels", "list", "--json", API_KEY="tdk_x", say=("No gateway answers",))


async def test_a_key_is_made_on_the_data_folder_without_a_server(shell: Shell) -> None:
    made = await shell.json("keys", "create")
    assert set(made) == {"key"}
    assert made["key"].startswith("tdk_")


async def test_every_wrong_command_to_a_running_gateway_is_one_line_and_a_good_one_still_works(
    shell: Shell, line: RunningEmulator
) -> None:
    await line.clock(mode="paused")
    await line.user("+886912345678")
    shell.environment |= {"TODOKE_LINE_API_BASE": line.url, "TODOKE_CLOCK": line.url}
    hook = f"http://127.0.0.1:{shell.environment['TODOKE_PORT']}/line/{{channel_id}}/webhook"
    made = await line.channel(name="Parcels", region="TW", webhook_url=hook)
    files = {name: shell.folder / name for name in ("secret", "token", "parcel.json", "list.csv", "big5.csv")}
    files["secret"].write_text(made["channel_secret"] + "\n")
    files["token"].write_text(made["access_token"] + "\n")
    files["parcel.json"].write_text(json.dumps({**PARCEL, "channel": "Parcels"}))
    files["list.csv"].write_text("mobile,customer\n0912345678,小明\n")
    files["big5.csv"].write_bytes("phone,name\n0912345678,小明\n".encode("big5"))
    send = ("send", "0912345678", "-c", "Parcels", "-t", "parcel")
    add = ("channels", "add", "Parcels", "--region", "TW", "--line-channel-id", made["channel_id"])
    with_secrets = ("--secret-file", str(files["secret"]), "--token-file", str(files["token"]))
    async with serving(shell) as gateway:
        # A second one, on the same port, is told so, and the first goes on.
        await shell.fails("serve", say=("taken",))
        await shell.fails(*add, "--secret-file", "nowhere", say=("nowhere", "can't be read"))
        await shell.fails(*send, say=("'Parcels'", "GET /v1/channels"))
        await shell.json(*add, *with_secrets)
        await shell.fails(*add, *with_secrets, say=("registered already",))
        await shell.fails("templates", "push", str(shell.folder / "nothing"), say=("can't be read",))
        await shell.fails(*send, "-p", "name=x", say=("'parcel'", "GET /v1/templates"))
        await shell.json("templates", "push", str(files["parcel.json"]))

        other = ("-c", "Parcels", "-t", "parcel", "-p", "name=小明")
        await shell.fails("send", "+82 10 1234 5678", *other, say=("not served", "Taiwan"))
        await shell.fails("send", "02-2345-6789", *other, say=("not a mobile number",))
        await shell.fails("send", "8.86912E+11", *other, say=("lost digits",))
        await shell.fails(*send, say=("name", "missing"))
        await shell.fails(*send, "-p", "name=" + "長" * 21, say=("21", "20"))
        await shell.fails(*send, "-p", "name", say=("'name'", "name=value"))
        await shell.fails(*send, "-p", "name=x", "--policy", "other", say=("'other'",))
        await shell.fails("import", str(shell.folder / "no.csv"), *other[:4], say=("no file",))
        await shell.fails(
            "import", str(files["list.csv"]), *other[:4], say=("no such column", "mobile, customer")
        )
        wrong = ("--encoding", "utf-8")
        await shell.fails("import", str(files["big5.csv"]), *other[:4], *wrong, say=("not utf-8", "big5"))
        await shell.fails("status", "nothing", say=("neither a notice nor a batch",))
        await shell.fails("report", "--batch", "x" * 27, say=("batch",))
        await shell.fails("channels", "list", API_KEY="tdk_wrong", say=("unknown or revoked",))
        assert gateway.returncode is None

        notice = await shell.json(*send, "-p", "name=小明")
        columns = json.dumps({"to": "mobile", "name": "customer"})
        batch = await shell.json("import", str(files["list.csv"]), *other[:4], "--columns", columns)
        assert {k: batch[k] for k in ("accepted", "refused", "duplicates")} == {
            "accepted": 1,
            "refused": 0,
            "duplicates": 0,
        }
        await line.clock(advance="1m")
        assert (await shell.json("status", notice["id"]))["state"] == "delivered"
        assert (await shell.json("status", batch["batch"]))["state"] == "ended"
        assert (await shell.json("report"))["funnel"]["states"]["delivered"] == 2
    assert [r["status"] for r in await line.ledger()] == [200, 200]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
async def test_a_gateway_that_is_told_to_stop_records_what_is_out_and_gives_its_channel_up(
    shell: Shell, line: RunningEmulator, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.environment |= {"TODOKE_LINE_API_BASE": line.url}
    made = await line.channel(region="TW")
    await line.user("+886912345678")
    key, body = "", {"channel": "P", "template": "parcel", "to": "0912345678", "parameters": {"name": "x"}}
    channel = {
        "name": "P",
        "region": "TW",
        "line_channel_id": made["channel_id"],
        "secret": made["channel_secret"],
        "access_token": made["access_token"],
    }
    # LINE takes its time, and so the answer comes when the gateway has been told to stop.
    await line.fault("api", "latency", ms=1500)
    asked, begin = asyncio.Event(), line.state.activity.begin
    monkeypatch.setattr(line.state.activity, "begin", lambda count=1: (begin(count), asked.set()))
    base = f"http://127.0.0.1:{shell.environment['TODOKE_PORT']}"
    async with serving(shell) as process:
        key = (await shell.json("keys", "create"))["key"]
        headers = {"Authorization": f"Bearer {key}"}
        for path, given in (
            ("/v1/channels", channel),
            ("/v1/templates", {**PARCEL, "channel": "P"}),
            ("/v1/notices", body),
        ):
            async with line.session.post(base + path, json=given, headers=headers) as answer:
                assert answer.status < 300, await answer.text()
                notice = await answer.json()
        async with asyncio.timeout(10):
            await asked.wait()
        process.send_signal(number)
    with sqlite3.connect(f"{shell.environment['TODOKE_DATA_DIR']}/todoke.db") as database:
        (outcome,) = database.execute("select outcome from attempts where notice_id = ?", (notice["id"],))
        (owner,) = database.execute("select owner from channels")
    assert outcome == ("accepted",)
    assert owner == (None,)
    assert len(await line.ledger()) == 1
