"""A run as a Parquet file, written piece by piece; the columns are those of CSV.

Needs pyarrow, so it is imported only where somebody asks for such a file.
"""

import io
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ergoscope_contract.answers import RunSummary
from ergoscope_server.store.extract import Extract, Extraction

ROWS = 131_072  # of a row group, at least but for the last
_POINT = [
    pa.field("metric", pa.string(), nullable=False),
    pa.field("attempt", pa.int64(), nullable=False),
    pa.field("rank", pa.int32(), nullable=False),
    pa.field("step", pa.int64(), nullable=False),
    pa.field("value", pa.float64(), nullable=False),
]
_THINNED = [
    pa.field("points", pa.int64(), nullable=False),
    pa.field("first_step", pa.int64()),
    pa.field("low", pa.float64()),
    pa.field("high", pa.float64()),
    pa.field("mean", pa.float64()),
    pa.field("nonfinite", pa.int64()),
]


class _Outbox(io.RawIOBase):
    """A file that is written once, from front to back, and taken away as it grows."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """Say that it is."""
        return True

    def write(self, data: object) -> int:
        """Keep some bytes."""
        part = bytes(memoryview(data))  # type: ignore[arg-type]  # a buffer, as the writer gives it
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        """Give what was written since the last time."""
        taken, self._parts = b"".join(self._parts), []
        return taken


def write_parquet(summary: RunSummary, run: Extraction) -> Iterator[bytes]:
    """Give a run as a Parquet file; its metadata has `run`, `project` and `name`."""
    about = {"run": summary.id, "project": summary.project, "name": summary.name}
    schema = pa.schema(_POINT + (_THINNED if run.thinned else []), metadata=about)
    outbox = _Outbox()
    with pq.ParquetWriter(pa.PythonFile(outbox, mode="w"), schema, compression="zstd") as writer:
        yield outbox.take()
        waiting: list[pa.RecordBatch] = []
        for part in run.parts:
            waiting.append(pa.record_batch(_columns(part, thinned=run.thinned), schema=schema))
            if sum(batch.num_rows for batch in waiting) >= ROWS:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting = []
                yield outbox.take()
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema))
    yield outbox.take()


def _columns(part: Extract, *, thinned: bool) -> list[pa.Array]:
    cells = part.cells
    steps, values = (part.points.steps, part.points.values) if cells is None else (cells.last, cells.final)
    n = len(steps)
    columns = [
        pa.repeat(part.metric, n),
        pa.repeat(pa.scalar(part.attempt, pa.int64()), n),
        pa.repeat(pa.scalar(part.rank, pa.int32()), n),
        pa.array(steps),
        pa.array(values.astype(np.float64)),
    ]
    if not thinned:
        return columns
    if cells is None:
        return [*columns, pa.repeat(pa.scalar(1, pa.int64()), n), *(pa.nulls(n, field.type) for field in _THINNED[1:])]
    more = (cells.count, cells.first, cells.low, cells.high, cells.mean, cells.nonfinite)
    return [*columns, *map(pa.array, more)]
