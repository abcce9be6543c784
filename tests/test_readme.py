"""The README's first notice, as written, on free ports and in an empty folder."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text()
BIN = Path(sys.executable).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def program(*command: str, env: dict[str, str], folder: Path) -> Iterator[None]:
    """A program that runs while the block lasts, from the moment it says where it listens."""
    with (folder / f"{command[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [str(BIN / command[0]), *command[1:]], stdout=subprocess.PIPE, stderr=log, env=env, cwd=folder
        )
        assert process.stdout is not None
        try:
            assert b"listens on" in process.stdout.readline()
            yield
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def test_the_commands_of_the_readme_send_a_first_notice(tmp_path: Path) -> None:
    (commands,) = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    line, gateway = free_port(), free_port()
    commands = commands.replace("8600", str(line)).replace("8700", str(gateway))
    commands = commands.replace(".venv/bin/", f"{BIN}/").replace(
        "docs/examples", f"{REPOSITORY}/docs/examples"
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("TODOKE_")}
    env |= {"TODOKE_LINE_API_BASE": f"http://127.0.0.1:{line}", "TODOKE_PORT": str(gateway), "COLUMNS": "100"}
    with (
        program("line-emulator", "serve", "--port", str(line), env=env, folder=tmp_path),
        program("todoke", "serve", env=env, folder=tmp_path),
    ):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert "1 notice asked for" in done.stdout
        (notice_id,) = re.findall(r"todoke status (\w{26})", done.stdout)
        status = subprocess.run(
            [BIN / "todoke", "status", notice_id, "--json"],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert json.loads(status.stdout)["to"] == "0912•••678"
        _the_examples_of_the_api_page_work(gateway, env, tmp_path)


def _the_examples_of_the_api_page_work(gateway: int, env: dict[str, str], folder: Path) -> None:
    page = (REPOSITORY / "docs" / "api.md").read_text().replace("8700", str(gateway))
    shell = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL))
    done = subprocess.run(
        ["bash", "-euc", shell], env=env, cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.count('"reference":"A-1001"') + done.stdout.count('"reference": "A-1001"') == 2, done
    (python,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", python], env=env, cwd=folder, capture_output=True, text=True, timeout=60
    )
    state, problem = done.stdout.splitlines()
    assert state in {"queued", "sending", "waiting", "delivered"}
    assert problem.startswith("422 invalid-number 02")


def test_every_page_that_the_docs_link_to_is_there() -> None:
    missing = []
    for page in (
        REPOSITORY / "README.md",
        REPOSITORY / "CONTRIBUTING.md",
        *(REPOSITORY / "docs").rglob("*.md"),
    ):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            if not (page.parent / target).exists():
                missing.append(f"{page.name}: {target}")
    assert missing == []


@pytest.mark.parametrize("page", sorted((REPOSITORY / "docs").glob("*.md")), ids=lambda p: p.name)
def test_commands_named_in_the_docs_exist(page: Path) -> None:
    told = subprocess.run(
        [BIN / "todoke", "--help"], capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}
    )
    for command in set(re.findall(r"`todoke ([a-z]+)", page.read_text())):
        assert f" {command} " in told.stdout, command
