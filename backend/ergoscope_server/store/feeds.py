"""Senders: one row for each rank of each attempt of a run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection, bindparam, case, func, select, tuple_

from ergoscope_contract.records import Attempt
from ergoscope_server.store.seen import Seen
from ergoscope_server.store.tables import feed
from ergoscope_server.store.writing import Writer

Key: TypeAlias = tuple[str, int, int]  # run, attempt, rank


@dataclass(slots=True)
class FeedState:
    """A sender's row while a transaction works on it; `fresh` when it has none yet.

    last_seen: when its newest batch was taken, Unix seconds by the service's clock.
    gap: usual time between its batches, s; see quiet.
    """

    seen: Seen = field(default_factory=Seen)
    begun: bytes = b""
    last_step: int | None = None
    lost: int = 0
    how: str = ""
    reason: str = ""
    last_seen: float = 0.0
    gap: float = 0.0
    fresh: bool = False


_KEY = tuple_(feed.c.run, feed.c.attempt, feed.c.rank)
_LOAD = select(feed).where(_KEY.in_(bindparam("keys", expanding=True)))
_COUNTS = select(
    func.count(func.distinct(feed.c.attempt)), func.count(case((feed.c.attempt == bindparam("newest"), 1)))
).where(feed.c.run == bindparam("run"))
_ENDINGS = (
    select(feed.c.how, feed.c.reason)
    .where(feed.c.run == bindparam("run"), feed.c.attempt == bindparam("attempt"))
    .order_by(feed.c.rank)
)
_PARTS = select(feed.c.attempt, feed.c.rank, feed.c.begun).where(feed.c.run == bindparam("run"))
_SEEN = select(feed.c.attempt, feed.c.rank, feed.c.seen).where(feed.c.run == bindparam("run"))
_attempt = msgspec.msgpack.Decoder(Attempt)
_save = Writer(feed, update=True)


def load(connection: Connection, keys: Collection[Key]) -> dict[Key, FeedState]:
    """Give the rows that are there."""
    rows = connection.execute(_LOAD, {"keys": sorted(keys)}).all()
    return {
        (row.run, row.attempt, row.rank): FeedState(
            Seen(row.seen), row.begun, row.last_step, row.lost, row.how, row.reason, row.last_seen, row.gap
        )
        for row in rows
    }


def save(connection: Connection, states: Mapping[Key, FeedState]) -> None:
    """Write rows back."""
    _save(
        connection,
        [
            (*key, s.seen.pack(), s.begun, s.last_step, s.lost, s.how, s.reason, s.last_seen, s.gap)
            for key, s in states.items()
        ],
    )


def count(connection: Connection, run: str, newest: int) -> tuple[int, int]:
    """Give the number of attempts of a run, and of ranks of its newest."""
    attempts, ranks = connection.execute(_COUNTS, {"run": run, "newest": newest}).one()
    return attempts, ranks


def read_parts(connection: Connection, run: str) -> list[tuple[int, int, int]]:
    """Give attempt, rank, and on how many ranks norms are taken, of every sender."""
    rows = connection.execute(_PARTS, {"run": run})
    return [(attempt, rank, parts_of(begun)) for attempt, rank, begun in rows]


def read_seen(connection: Connection, run: str) -> dict[tuple[int, int], Seen]:
    """Give which batches were seen of every sender of a run, by attempt and rank."""
    return {(attempt, rank): Seen(seen) for attempt, rank, seen in connection.execute(_SEEN, {"run": run})}


def parts_of(begun: bytes) -> int:
    """Read from a sender's packed `Attempt` on how many ranks norms are taken; 1 while it has not come."""
    return max(_attempt.decode(begun).parts, 1) if begun else 1


def endings(connection: Connection, run: str, attempt: int) -> list[tuple[str, str]]:
    """Give how each rank of an attempt ended and why, by rank; empty where one still lives."""
    return [(how, reason) for how, reason in connection.execute(_ENDINGS, {"run": run, "attempt": attempt})]
