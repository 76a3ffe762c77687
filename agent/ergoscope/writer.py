"""Findings as rows of numbers: key sets are registered once, then a step is only bytes."""

import struct
import sys
from array import array

from ergoscope.findings import Column, Findings
from ergoscope.outlet import Outlet

_WIDTH = 2048  # numbers in one row of layers; a model of many layers takes several


class Writer:
    """Writes findings to an outlet: global values as one fp64 row, values of layers as fp32 rows."""

    def __init__(self, outlet: Outlet) -> None:
        """Write to `outlet`."""
        self._outlet = outlet
        self._scalars: dict[tuple[str, ...], tuple[int, struct.Struct]] = {}
        self._layers: dict[tuple[tuple[str, int], ...], tuple[int, ...]] = {}
        self._rows: dict[tuple[str, ...], int] = {}

    def write(self, findings: Findings) -> None:
        """Hand over everything found of a step; a step without numbers leaves no row."""
        scalars = findings.scalars
        if scalars:
            keys = tuple(scalars)
            known = self._scalars.get(keys)
            if known is None:
                known = self._scalars[keys] = (self._outlet.table(keys), struct.Struct(f"<{len(keys)}d"))
            self._outlet.row(known[0], findings.step, known[1].pack(*scalars.values()), dtype="f8")
        if findings.columns:
            self._write_layers(findings.step, findings.columns)
        for row_keys, values in findings.rows:
            table = self._rows.get(row_keys)
            if table is None:
                table = self._rows[row_keys] = self._outlet.table(row_keys)
            self._outlet.row(table, findings.step, _little(array("f", values)).tobytes())
        for record in findings.records:
            self._outlet.record(record)

    def _write_layers(self, step: int, columns: list[Column]) -> None:
        kind = tuple([(c.metric, c.layout) for c in columns])
        tables = self._layers.get(kind)
        if tables is None:
            tables = self._layers[kind] = self._register(columns)
        values = array("f")
        for column in columns:
            values.extend(column.values)
        values = _little(values)
        for number, table in enumerate(tables):
            self._outlet.row(table, step, values[number * _WIDTH : (number + 1) * _WIDTH].tobytes())

    def _register(self, columns: list[Column]) -> tuple[int, ...]:
        keys = [f"{c.metric}/{name}" for c in columns for name in c.names]
        return tuple(self._outlet.table(keys[at : at + _WIDTH]) for at in range(0, len(keys), _WIDTH))


def _little(values: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        values.byteswap()
    return values
