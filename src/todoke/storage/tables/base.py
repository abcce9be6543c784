"""What every table is made with."""

from sqlalchemy import BigInteger, Column, MetaData, String

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID = String(26)


def time(name: str, *, nullable: bool = True) -> Column[int]:
    """A column of milliseconds since the epoch."""
    return Column(name, BigInteger, nullable=nullable)
