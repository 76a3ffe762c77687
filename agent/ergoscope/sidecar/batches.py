"""Records of a ring gathered into batches: rows of one table become a block of columns."""

from array import array
from dataclasses import dataclass, field

import msgspec

from ergoscope.stream.entries import Kind, Record, unpack_keys, unpack_record, unpack_row
from ergoscope_contract.columns import pack_block
from ergoscope_contract.errors import ContractError
from ergoscope_contract.records import (
    Attempt,
    Batch,
    Block,
    Ending,
    Event,
    Grid,
    Histogram,
    Pulse,
    Run,
    Sketch,
    Spectrum,
)
from ergoscope_contract.version import CONTRACT_VERSION


@dataclass(slots=True)
class _Rows:
    """Rows of one table and width, as they came."""

    first: float
    last: float
    steps: "array[int]" = field(default_factory=lambda: array("q"))
    values: list[bytes] = field(default_factory=list)


class Gathering:
    """What came since the last batch.

    tables: names of each table, by number; they stay from batch to batch.
    size: bytes of payload gathered.
    strays: records that could not be understood, since the beginning.
    """

    def __init__(self, tables: dict[int, list[str]]) -> None:
        self.tables = tables
        self.size = 0
        self.strays = 0
        self.last_step: int | None = None
        self.ending: Ending | None = None
        self._rows: dict[tuple[int, int], _Rows] = {}
        self._about: Run | None = None
        self._records: dict[type[Record], list[Record]] = {}

    def add(self, kind: int, payload: bytes) -> None:
        """Take one record of the ring; what cannot be understood is counted."""
        self.size += len(payload)
        try:
            if kind == Kind.ROW:
                self._add_row(payload)
            elif kind == Kind.KEYS:
                table, keys = unpack_keys(payload)
                self.tables[table] = keys
            else:
                self.add_record(unpack_record(Kind(kind), payload))
        except (msgspec.MsgspecError, ValueError, KeyError):
            self.strays += 1

    def add_record(self, record: Record) -> None:
        """Take one record of the contract."""
        if isinstance(record, Run):
            self._about = record
        elif isinstance(record, Ending):
            self.ending = record
        else:
            self._records.setdefault(type(record), []).append(record)
        self.size += 1

    def _add_row(self, payload: bytes) -> None:
        table, step, wall, width, values = unpack_row(payload)
        if len(values) != width * len(self.tables[table]):
            raise ValueError(f"{len(values)} bytes do not fit table {table}")
        rows = self._rows.get((table, width))
        if rows is None:
            rows = self._rows[table, width] = _Rows(first=wall, last=wall)
        rows.steps.append(step)
        rows.values.append(values)
        rows.last = wall
        if self.last_step is None or step > self.last_step:
            self.last_step = step

    def take(
        self,
        seq: int,
        run: Run,
        attempt: Attempt,
        pulse: Pulse | None,
        *,
        ended: Ending | None = None,
        about_attempt: Attempt | None = None,
    ) -> Batch:
        """Make the batch and begin anew; the first one of an attempt says who the run is.

        Args:
            seq: The batch's number.
            run: Who the run is.
            attempt: Whose batch it is.
            pulse: Sign of life.
            ended: How the attempt ended, when it did.
            about_attempt: The attempt with what has become known of it since.

        Events of a job of several ranks say in their data of which rank they are.
        """
        names: dict[str, int] = {}
        blocks = [self._block(table, width, rows, names) for (table, width), rows in self._rows.items()]
        batch = Batch(
            version=CONTRACT_VERSION,
            run=run.id,
            attempt=attempt.number,
            rank=attempt.rank,
            seq=seq,
            keys=list(names),
            blocks=[block for block in blocks if block is not None],
            histograms=[r for r in self._records.get(Histogram, ()) if isinstance(r, Histogram)],
            sketches=[r for r in self._records.get(Sketch, ()) if isinstance(r, Sketch)],
            spectra=[r for r in self._records.get(Spectrum, ()) if isinstance(r, Spectrum)],
            grids=[r for r in self._records.get(Grid, ()) if isinstance(r, Grid)],
            events=[_placed(r, attempt) for r in self._records.get(Event, ()) if isinstance(r, Event)],
            about=self._about or (run if seq == 0 else None),
            begun=about_attempt or (attempt if seq == 0 else None),
            pulse=pulse,
            ended=ended,
        )
        self._rows, self._records, self._about, self.size = {}, {}, None, 0
        return batch

    def _block(self, table: int, width: int, rows: _Rows, names: dict[str, int]) -> Block | None:
        keys = [names.setdefault(key, len(names)) for key in self.tables[table]]
        numbers = array("f" if width == 4 else "d", b"".join(rows.values))
        try:
            return pack_block(
                keys, rows.steps, numbers, dtype="f4" if width == 4 else "f8", wall=(rows.first, rows.last)
            )
        except ContractError:
            self.strays += len(rows.steps)
            return None


def _placed(event: Event, attempt: Attempt) -> Event:
    if attempt.world_size == 1:
        return event
    return msgspec.structs.replace(event, data={"rank": attempt.rank, **event.data})
