"""What the agent handed over of one run, kept in a file, as the store that the verdict reads."""

import json
import struct
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ergoscope_contract.records import Event, Grid, Histogram, JsonObject, Sketch, Spectrum
from ergoscope_server.indicators.points import FloatArray, IntArray, Points, points


class Recorder:
    """An outlet that keeps the numbers of the whole model and the sketches of the weights."""

    def __init__(self) -> None:
        """Begin without any."""
        self._tables: list[tuple[str, ...]] = []
        self._series: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._sketches: list[Sketch] = []

    def table(self, keys: Sequence[str]) -> int:
        """Register a set of keys."""
        self._tables.append(tuple(keys))
        return len(self._tables) - 1

    def row(self, table: int, step: int, values: bytes, *, dtype: str = "f4") -> None:
        """Keep a row, but not what belongs to single layers."""
        keys = self._tables[table]
        numbers = struct.unpack(f"<{len(keys)}{'f' if dtype == 'f4' else 'd'}", values)
        for key, number in zip(keys, numbers, strict=True):
            if "/" not in key:
                self._series[key].append((step, number))

    def record(self, record: Histogram | Sketch | Spectrum | Grid | Event) -> None:
        """Keep a sketch."""
        if isinstance(record, Sketch):
            self._sketches.append(record)

    def recording(self, about: JsonObject) -> "Recording":
        """Give what was kept."""
        series = {
            key: points([s for s, _ in rows], [v for _, v in rows])
            for key, rows in ((key, sorted(rows)) for key, rows in self._series.items())
        }
        return Recording(series, self._sketches, about)


class Recording:
    """A run's series and sketches, with what is known of it besides; the part of a store that a verdict needs."""

    def __init__(self, series: dict[str, Points], sketches: Sequence[Sketch], about: JsonObject) -> None:
        """Hold them."""
        self.series, self.about = series, about
        self._sketches = sorted(sketches, key=lambda one: one.step)

    def tail(self, run: str, metric: str, n: int, *, after: int | None = None) -> tuple[IntArray, FloatArray]:
        """Give the newest n points."""
        del run
        found = self.series[metric] if after is None else self.series[metric].since(after + 1)
        newest = found.newest(n)
        return newest.steps, newest.values

    def head(self, run: str, metric: str, n: int) -> tuple[IntArray, FloatArray]:
        """Give the first n points."""
        del run
        return self.series[metric].steps[:n], self.series[metric].values[:n]

    def events(self, run: str) -> list[Event]:
        """Give none: the learning rate is among the series."""
        del run
        return []

    def keys(self, run: str) -> list[str]:
        """Give the names of the series."""
        del run
        return list(self.series)

    def sketches(self, run: str, key: str, *, rank: int = 0, limit: int = 500) -> list[Sketch]:
        """Give the newest sketches."""
        del run, rank
        return [one for one in self._sketches if one.key == key][-limit:]

    def save(self, path: Path) -> None:
        """Write it to a file."""
        arrays = {f"steps {key}": line.steps for key, line in self.series.items()}
        arrays |= {f"values {key}": line.values for key, line in self.series.items()}
        kept = [one for one in self._sketches if one.key == "weight_sketch"]
        arrays["sketch steps"] = np.array([one.step for one in kept], dtype=np.int64)
        arrays["sketches"] = np.array([np.frombuffer(one.values, "<f4") for one in kept], dtype="<f4")
        arrays["seeds"] = np.array([one.seed for one in kept], dtype=np.int64)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, about=np.array(json.dumps(self.about)), **arrays)

    @classmethod
    def load(cls, path: Path) -> "Recording":
        """Read it back."""
        with np.load(path) as kept:
            names = [name.removeprefix("steps ") for name in kept.files if name.startswith("steps ")]
            series = {name: points(kept[f"steps {name}"], kept[f"values {name}"]) for name in names}
            rows = zip(kept["sketch steps"], kept["seeds"], kept["sketches"], strict=True)
            sketches = [Sketch("weight_sketch", int(step), int(seed), row.tobytes()) for step, seed, row in rows]
            return cls(series, sketches, json.loads(str(kept["about"])))
