"""The streams on which batches are announced, as one worker reads them: each entry is its own until it is done."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from redis import Redis
from redis.exceptions import ResponseError

from ergoscope_server.work.announced import Announced
from ergoscope_server.work.names import GROUP, stream

log = logging.getLogger(__name__)

MOST = 1_000  # entries taken at once
_Found: TypeAlias = Sequence[tuple[bytes, Mapping[bytes, bytes]]]  # id and fields of entries, as the client gives them


@dataclass(frozen=True, slots=True)
class Entry:
    """One announcement: where it stands, and what it says."""

    shard: int
    id: bytes
    run: str
    announced: Announced


class Line:
    """Reads as one consumer of the group of all workers. All methods may raise RedisError."""

    def __init__(self, client: Redis, name: str, *, prefix: str) -> None:
        self._client = client
        self._name = name
        self._prefix = prefix

    def join(self, shards: Iterable[int]) -> None:
        """See to it that the streams are there; of a new one everything that it holds is read."""
        for shard in shards:
            try:
                self._client.xgroup_create(stream(self._prefix, shard), GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    def read(self, shards: Iterable[int], *, wait_ms: int) -> list[Entry]:
        """Give what is new, after waiting for it; streams that are gone are begun anew."""
        names = {stream(self._prefix, shard): shard for shard in shards}
        try:
            answer = self._client.xreadgroup(GROUP, self._name, dict.fromkeys(names, ">"), count=MOST, block=wait_ms)
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self.join(names.values())
            return []
        found = cast("list[tuple[bytes, _Found]]", answer)
        return [entry for name, entries in found for entry in _entries(names[name.decode()], entries)]

    def claim(self, shard: int, *, idle_s: float) -> list[Entry]:
        """Take over what other workers have left undone for so long, and strike those that have nothing left."""
        name = stream(self._prefix, shard)
        claimed: list[Entry] = []
        start = b"0-0"
        while True:
            start, entries, *_ = self._client.xautoclaim(
                name, GROUP, self._name, min_idle_time=int(idle_s * 1000), start_id=start, count=MOST
            )
            claimed += _entries(shard, entries)
            if start == b"0-0":
                break
        for consumer in self._client.xinfo_consumers(name, GROUP):
            if consumer["name"] != self._name.encode() and not consumer["pending"] and consumer["idle"] > idle_s * 1000:
                self._client.xgroup_delconsumer(name, GROUP, consumer["name"])
        return claimed

    def done(self, entries: Iterable[Entry]) -> None:
        """Say that entries need not be looked at by anybody any more."""
        by_shard: dict[int, list[bytes]] = {}
        for entry in entries:
            by_shard.setdefault(entry.shard, []).append(entry.id)
        with self._client.pipeline(transaction=False) as together:
            for shard, ids in by_shard.items():
                together.xack(stream(self._prefix, shard), GROUP, *ids)
            together.execute()


def _entries(shard: int, found: _Found) -> list[Entry]:
    return [entry for number, said in found if (entry := _read(shard, number, said)) is not None]


def _read(shard: int, number: bytes, said: Mapping[bytes, bytes]) -> Entry | None:
    try:
        return Entry(shard, number, said[b"run"].decode(), Announced(int(said[b"rows"]), int(said[b"size"])))
    except (KeyError, ValueError):  # a stranger's, or of another version: the log knows what it may have meant
        log.warning("an announcement is not understood: %r", said)
        return None
