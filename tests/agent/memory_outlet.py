"""An outlet that keeps what it is given."""

import struct
from collections.abc import Callable, Sequence

from ergoscope_contract.records import Event, Grid, Histogram, Sketch, Spectrum

Record = Histogram | Sketch | Spectrum | Grid | Event


class MemoryOutlet:
    """Rows as (step, {key: value}), records as they came."""

    def __init__(self) -> None:
        self.tables: list[tuple[str, ...]] = []
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.records: list[Record] = []
        self.on_row: Callable[[], None] = lambda: None

    def table(self, keys: Sequence[str]) -> int:
        self.tables.append(tuple(keys))
        return len(self.tables) - 1

    def row(self, table: int, step: int, values: bytes, *, dtype: str = "f4") -> None:
        self.on_row()
        keys = self.tables[table]
        numbers = struct.unpack(f"<{len(keys)}{'f' if dtype == 'f4' else 'd'}", values)
        self.rows.append((step, dict(zip(keys, numbers, strict=True))))

    def record(self, record: Record) -> None:
        self.records.append(record)

    def series(self, key: str) -> dict[int, float]:
        """Value by step."""
        return {step: values[key] for step, values in self.rows if key in values}

    def events(self, kind: str) -> list[Event]:
        return [r for r in self.records if isinstance(r, Event) and r.kind == kind]

    def grids(self) -> list[Grid]:
        return [r for r in self.records if isinstance(r, Grid)]

    def histograms(self, key: str) -> list[Histogram]:
        return [r for r in self.records if isinstance(r, Histogram) and r.key == key]
