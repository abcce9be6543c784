"""Brings the tables to this version. Imported only where something is to be done: Alembic takes long to load."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"


class UnknownVersion(Exception):
    """The tables were made by a version of Todoke that this one does not know; the text names it."""


def upgrade(connection: Connection) -> None:
    """Runs what has not been run yet. Raises UnknownVersion."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise UnknownVersion(str(error)) from error
