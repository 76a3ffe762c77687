"""The rows that say what was changed, and by whom; each function is one statement."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select

from ergoscope_server.store.people_tables import audit as table

_NEWEST = select(table.c.at, table.c.who, table.c.what).order_by(table.c.at.desc(), table.c.id.desc())
_BEFORE = _NEWEST.where(table.c.at < bindparam("before"))


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `at` is Unix seconds."""

    at: float
    who: str
    what: str


def add_change(connection: Connection, change_id: str, change: Change) -> None:
    """Keep one."""
    connection.execute(insert(table).values(id=change_id, at=change.at, who=change.who, what=change.what))


def list_changes(connection: Connection, *, before: float | None, limit: int) -> list[Change]:
    """Give the newest first, those before a time where given."""
    asked = _NEWEST if before is None else _BEFORE
    parameters = {} if before is None else {"before": before}
    return [Change(**row._asdict()) for row in connection.execute(asked.limit(limit), parameters)]
