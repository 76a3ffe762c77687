"""Attempts to log in that did not succeed, by account and by address; each function is one statement."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, select, text, update

from ergoscope_server.store.people_tables import failure as table

_COUNT = text(
    "INSERT INTO failure (key, count, last) VALUES (:key, 1, :now) ON CONFLICT (key) DO UPDATE SET "
    "count = CASE WHEN failure.last < :since THEN 1 ELSE failure.count + 1 END, last = :now RETURNING count"
)
_OF_LATE = select(table.c.key, table.c.count).where(
    table.c.key.in_(bindparam("keys", expanding=True)), table.c.last >= bindparam("since")
)
_LESS = update(table).where(table.c.key == bindparam("of"), table.c.count > 0)
_FORGET = delete(table).where(table.c.key == bindparam("of"))
_TIDY = delete(table).where(table.c.last < bindparam("since"))


def count_attempt(connection: Connection, key: str, *, now: float, since: float) -> int:
    """Count an attempt with those after `since`; give how many they are now."""
    return int(connection.execute(_COUNT, {"key": key, "now": now, "since": since}).scalar_one())


def read_attempts(connection: Connection, keys: Sequence[str], *, since: float) -> dict[str, int]:
    """Give how many attempts there were of each key, where the last one was after `since`."""
    rows = connection.execute(_OF_LATE, {"keys": list(keys), "since": since}).all()
    return {key: int(count) for key, count in rows}


def take_back(connection: Connection, key: str) -> None:
    """Count one attempt less."""
    connection.execute(_LESS.values(count=table.c.count - 1), {"of": key})


def forget(connection: Connection, key: str) -> None:
    """Forget the attempts of a key."""
    connection.execute(_FORGET, {"of": key})


def tidy_attempts(connection: Connection, *, since: float) -> None:
    """Forget all whose last attempt was before `since`."""
    connection.execute(_TIDY, {"since": since})
