"""A run as CSV and as JSON, written piece by piece.

One row a point. Where retention has thinned a series there is a row for each stretch that is left: step and value are
those of its last point, as logged, and beside them stand its number of points, its first step, its lowest, highest and
mean finite value and how many were not finite. Files of runs that are whole have not these columns.

Values are written so that reading them as 64-bit floats gives back what was logged, bit for bit but for the payload of
a NaN; float32 is exact in these. What is not finite is NaN, Infinity or -Infinity.
"""

import csv
import io
import math
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from ergoscope_contract.answers import RunSummary
from ergoscope_contract.jsonable import spell_all
from ergoscope_server.api.answer import numbers, spelled
from ergoscope_server.store.cells import Cells
from ergoscope_server.store.extract import Extract, Extraction

COLUMNS = ("metric", "attempt", "rank", "step", "value")
THINNED = ("points", "first_step", "low", "high", "mean", "nonfinite")


def write_csv(_: RunSummary, run: Extraction) -> Iterator[bytes]:
    """Give a run as CSV (RFC 4180, but for lines that end as on Unix), the names of the columns first."""
    yield f"{','.join(COLUMNS + (THINNED if run.thinned else ()))}\n".encode()
    for part in run.parts:
        head = f"{_quoted(part.metric)},{part.attempt},{part.rank},"
        if part.cells is None:
            tail = ",1,,,,,\n" if run.thinned else "\n"
            pairs = zip(part.points.steps.tolist(), _texts(part.points.values), strict=True)
            yield "".join([f"{head}{step},{value}{tail}" for step, value in pairs]).encode()
        else:
            yield "".join([f"{head}{row}\n" for row in _rows(part.cells)]).encode()


def write_json(summary: RunSummary, run: Extraction) -> Iterator[bytes]:
    """Give a run as one object: `run`, and `series`, in which a long series has several entries, one after the other.

    An entry of a thinned stretch has `points`, `first_steps`, `low`, `high`, `mean` and `nonfinite` beside its `steps`
    and `values`.
    """
    yield b'{"run":' + msgspec.json.encode(spelled(summary)) + b',"series":['
    for i, part in enumerate(run.parts):
        yield (b"," if i else b"") + msgspec.json.encode(_entry(part))
    yield b"]}"


def _entry(part: Extract) -> dict[str, object]:
    entry: dict[str, object] = {"metric": part.metric, "attempt": part.attempt, "rank": part.rank}
    cells = part.cells
    if cells is None:
        return entry | {"steps": numbers(part.points.steps), "values": numbers(part.points.values)}
    return entry | {
        "steps": numbers(cells.last),
        "values": numbers(cells.final),
        "points": numbers(cells.count),
        "first_steps": numbers(cells.first),
        "low": numbers(cells.low),
        "high": numbers(cells.high),
        "mean": numbers(cells.mean),
        "nonfinite": numbers(cells.nonfinite),
    }


def _rows(cells: Cells) -> Iterator[str]:
    columns = (
        cells.last.tolist(),
        _texts(cells.final),
        cells.count.tolist(),
        cells.first.tolist(),
        _texts(cells.low),
        _texts(cells.high),
        _texts(cells.mean),
        cells.nonfinite.tolist(),
    )
    return (",".join(map(str, row)) for row in zip(*columns, strict=True))


def _texts(values: NDArray[np.generic]) -> list[float] | list[float | str]:
    """Give values as they are written: a float prints as the shortest text that reads as itself."""
    wide: list[float] = values.astype(np.float64).tolist()
    return wide if all(map(math.isfinite, wide)) else spell_all(wide)


def _quoted(text: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([text])
    return line.getvalue()
