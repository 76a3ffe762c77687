"""The rows of links by which one run is read; each function is one statement."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select

from ergoscope_server.store.people_tables import share as table

_ONE = select(table).where(table.c.id == bindparam("of"))
_OF_RUN = select(table).where(table.c.run == bindparam("of_run")).order_by(table.c.created, table.c.id)
_END = delete(table).where(table.c.id == bindparam("of"), table.c.run == bindparam("of_run"))
_EXPIRE = delete(table).where(table.c.expires < bindparam("now"))


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One link; times are Unix seconds.

    digest: of its secret. who: made it.
    """

    id: str
    digest: bytes
    run: str
    who: str
    created: float
    expires: float


def add_share(connection: Connection, row: ShareRow) -> None:
    """Keep a new one."""
    connection.execute(insert(table), asdict(row))


def read_share(connection: Connection, share_id: str) -> ShareRow | None:
    """Give one, also one that has expired."""
    row = connection.execute(_ONE, {"of": share_id}).first()
    return None if row is None else ShareRow(**row._asdict())


def list_shares(connection: Connection, run: str) -> list[ShareRow]:
    """Give those of a run, the oldest first."""
    return [ShareRow(**row._asdict()) for row in connection.execute(_OF_RUN, {"of_run": run})]


def end_share(connection: Connection, run: str, share_id: str) -> bool:
    """Take one back; False where the run has none of that id."""
    return connection.execute(_END, {"of": share_id, "of_run": run}).rowcount > 0


def expire_shares(connection: Connection, *, now: float) -> None:
    """Remove those that have expired."""
    connection.execute(_EXPIRE, {"now": now})
