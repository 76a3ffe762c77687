"""Readings stacked for the way to the host; probes and what they produce."""

import torch

from ergoscope.findings import Findings
from ergoscope.probes import PROBES
from ergoscope.probes.probe import Reading, Sheet
from ergoscope.readout import DeviceReadout


def collect(into: list[list[float]]) -> object:
    return lambda values, findings: into.append(list(values))


def readings(into: list[list[float]]) -> list[tuple[int, Reading]]:
    read = collect(into)
    return [
        (0, Reading([torch.tensor(1.0), torch.tensor(2.0, dtype=torch.float64)], read)),  # type: ignore[arg-type]  # any
        (3, Reading(torch.tensor([3.0, 4.0, 5.0]), read)),  # type: ignore[arg-type]  # any
        (4, Reading([6.0], read)),  # type: ignore[arg-type]  # any
    ]


def test_each_probe_reads_its_own_numbers_and_is_charged_its_own_time() -> None:
    got: list[list[float]] = []
    charged: list[tuple[int, float]] = []
    times = iter(range(100))

    sheet = Sheet(readings(got), torch.device("cpu"))
    sheet.read(Findings(1, {}), charge=lambda t, s, part: charged.append((t, s)), clock=lambda: float(next(times)))

    assert sheet.ready()
    assert got == [[1.0, 2.0], [3.0, 4.0, 5.0], [6.0]]
    assert charged == [(0, 1.0), (3, 1.0), (4, 1.0)]


def test_on_a_device_one_vector_carries_them_all() -> None:
    got: list[list[float]] = []
    sheet = Sheet(readings(got), torch.device("cpu"))
    # No such device here: what its constructor does there, done by hand.
    sheet._lengths = [2, 3, 1]
    sheet._readout = DeviceReadout(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))

    sheet.read(Findings(1, {}), charge=lambda t, s, part: None, clock=lambda: 0.0)

    assert got == [[1.0, 2.0], [3.0, 4.0, 5.0], [6.0]]


def test_no_quantity_has_two_probes() -> None:
    produced = [quantity for probe in PROBES for quantity in probe.produces]

    assert len(produced) == len(set(produced))
    assert all(probe.__doc__ for probe in PROBES)
