"""What an import loads: processes that do one thing are small, and a gateway begins without what few ever want."""

import json
import subprocess
import sys

import pytest

WEB = ("fastapi", "starlette", "pydantic", "uvicorn", "jinja2", "segno")
DATABASE = ("sqlalchemy", "sqlite3", "alembic")
OTHERS = ("aiohttp", "cryptography", "structlog", "rich", "typer", "httpx")
NEVER = {
    "todoke.core.template": (*WEB, *DATABASE, *OTHERS, "asyncio"),
    "todoke.engine.pacer": (*WEB, *DATABASE, *OTHERS),
    "todoke.carriers.line.client": (*WEB, *DATABASE, *OTHERS),
    "todoke.core.list_rows": (
        *WEB,
        *OTHERS,
        "alembic",
        "sqlalchemy.orm",
        "sqlalchemy.dialects.postgresql",
    ),
    "todoke.cli.serve": (
        *("aiohttp", "aiosmpplib", "alembic", "holidays", "httpx", "jinja2", "segno", "typer"),
        *("sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "playwright", "todoke_client"),
    ),
}
"""A module, and what must not be loaded after it was."""
_SAYS = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


@pytest.mark.parametrize("module", NEVER)
def test_a_module_loads_none_of_what_it_has_no_use_for(module: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _SAYS, module, *NEVER[module]],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(said.stdout) == []


def test_who_asks_sqlalchemy_for_its_sessions_gets_them_all_the_same() -> None:
    script = """
import todoke.storage.database
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker
from sqlalchemy.ext.asyncio.session import AsyncSession as same
assert AsyncSession is same and todoke.storage.database.Tx is AsyncConnection
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
