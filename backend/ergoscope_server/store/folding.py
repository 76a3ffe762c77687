"""How far the log of a run is folded, and the turn-taking of those that fold it."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from ergoscope_server.store.runs import hold
from ergoscope_server.store.tables import folding
from ergoscope_server.store.writing import Writer


@dataclass(frozen=True, slots=True)
class FoldState:
    """How far a run is folded; see tables.folding."""

    upto: int = 0
    kept: int = 0
    streams: int = 0
    version: int = 0


_STATE = select(folding).where(folding.c.run == bindparam("run"))
_ADVANCE = (
    update(folding)
    .where(folding.c.run == bindparam("of_run"), folding.c.version == bindparam("seen"))
    .values(
        upto=bindparam("new_upto"),
        kept=bindparam("new_kept"),
        streams=bindparam("new_streams"),
        version=bindparam("new_version"),
    )
)
_begin = Writer(folding, keep=True)


def read_state(connection: Connection, run: str) -> FoldState:
    """Give how far a run is folded."""
    row = connection.execute(_STATE, {"run": run}).first()
    return FoldState() if row is None else FoldState(row.upto, row.kept, row.streams, row.version)


def advance(connection: Connection, run: str, before: FoldState, after: FoldState) -> bool:
    """Put a run's state in place of the one seen; False, and nothing is changed, when it is no longer the same."""
    if before.version == 0:
        if not hold(connection, run):  # it was deleted, and its state with it
            return False
        _begin(connection, [(run, 0, 0, 0, 0)])
    changed = connection.execute(
        _ADVANCE,
        {
            "of_run": run,
            "seen": before.version,
            "new_upto": after.upto,
            "new_kept": after.kept,
            "new_streams": after.streams,
            "new_version": before.version + 1,
        },
    )
    return changed.rowcount == 1
