"""The rows of whom providers know people as; each function is one statement."""

from dataclasses import astuple, dataclass

from sqlalchemy import Connection, bindparam, select

from ergoscope_server.store.people_tables import identity as table
from ergoscope_server.store.writing import Writer

_save = Writer(table, update=True)
_ONE = select(table).where(table.c.issuer == bindparam("by"), table.c.subject == bindparam("of"))
_ALL = select(table).order_by(table.c.account, table.c.issuer, table.c.subject)


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """Whom a provider knows a person as.

    issuer: the provider. subject: what it calls them, for ever; of nobody else. created: Unix seconds.
    """

    issuer: str
    subject: str
    account: str
    created: float


def save_identity(connection: Connection, row: IdentityRow) -> None:
    """Keep a new one, or say of one that is there whose it is now."""
    _save(connection, [astuple(row)])


def read_identity(connection: Connection, issuer: str, subject: str) -> IdentityRow | None:
    """Give one."""
    row = connection.execute(_ONE, {"by": issuer, "of": subject}).first()
    return None if row is None else IdentityRow(**row._asdict())


def list_identities(connection: Connection) -> list[IdentityRow]:
    """Give all, by account."""
    return [IdentityRow(**row._asdict()) for row in connection.execute(_ALL)]
