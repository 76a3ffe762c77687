"""The rows of browsers that are logged in; each function is one statement."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from ergoscope_server.store.people_tables import session as table

_ONE = select(table).where(table.c.id == bindparam("of"))
_USED = update(table).where(table.c.id == bindparam("of"), table.c.used < bindparam("before"))
_END = delete(table).where(table.c.id == bindparam("of"))
_END_ALL = delete(table).where(table.c.account == bindparam("of"))
_EXPIRE = delete(table).where(
    or_(table.c.used < bindparam("unused_since"), table.c.created < bindparam("created_before"))
)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One browser that is logged in; times are Unix seconds.

    digest: of the secret in its cookie.
    """

    id: str
    digest: bytes
    account: str
    created: float
    used: float


def add_session(connection: Connection, row: SessionRow) -> None:
    """Keep a new one."""
    connection.execute(insert(table), asdict(row))


def read_session(connection: Connection, session_id: str) -> SessionRow | None:
    """Give one."""
    row = connection.execute(_ONE, {"of": session_id}).first()
    return None if row is None else SessionRow(**row._asdict())


def touch_session(connection: Connection, session_id: str, *, now: float, every_s: float) -> None:
    """Note that one is used, unless that was noted less than `every_s` ago."""
    connection.execute(_USED.values(used=now), {"of": session_id, "before": now - every_s})


def end_session(connection: Connection, session_id: str) -> None:
    """Log one out."""
    connection.execute(_END, {"of": session_id})


def end_sessions(connection: Connection, account: str) -> None:
    """Log a person out everywhere."""
    connection.execute(_END_ALL, {"of": account})


def expire_sessions(connection: Connection, *, unused_since: float, created_before: float) -> None:
    """Remove those that are over."""
    connection.execute(_EXPIRE, {"unused_since": unused_since, "created_before": created_before})
