"""No extreme is ever lost, however many points a chart stands for."""

import numpy as np
import pytest

from ergoscope_contract.columns import pack_block
from ergoscope_contract.records import Batch
from ergoscope_server.store.series import Query
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival
from tests.backend.store.reading import series

MILLION = 1_000_000
AT = 123_457


@pytest.fixture
def spiky(store: Store) -> Store:
    values = (np.arange(MILLION) % 10) / 10
    values[AT] = 1e6
    values[777], values[778] = np.nan, -np.inf
    for seq, start in enumerate(range(0, MILLION, 100_000)):
        block = pack_block([0], range(start, start + 100_000), values[start : start + 100_000].tolist())
        store.accept([arrival(Batch(1, "r", 1, 0, seq, ["x"], [block]))])
        if seq < 9:
            store.fold("r")
    return store


def test_one_value_in_a_million_is_the_maximum_of_its_bucket(spiky: Store) -> None:
    charted = series(spiky, Query(["x"], buckets=500))

    cells = charted.cells
    assert cells is not None
    assert len(cells) <= 500
    assert charted.count == MILLION
    at = int(np.flatnonzero(cells.high == 1e6)[0])
    assert cells.first[at] <= AT <= cells.last[at]
    assert (cells.high == 1e6).sum() == 1
    assert cells.nonfinite.tolist()[0] == 2
    assert cells.nonfinite.sum() == 2


def test_a_spike_is_in_every_chart_that_covers_it_and_edges_are_exact(spiky: Store) -> None:
    for first, last in [(0, MILLION), (AT, AT + 50_000), (AT - 70_000, AT), (100_001, 300_007)]:
        for buckets in (1, 7, 1_000, 20_000):
            charted = series(spiky, Query(["x"], first, last, buckets))

            assert charted.cells is not None
            assert charted.cells.high.max() == 1e6
            assert charted.cells.first.min() == first
            assert charted.cells.last.max() == min(last, MILLION - 1)
            assert charted.count == min(last, MILLION - 1) - first + 1


def test_the_spike_and_what_is_not_finite_come_back_at_full_resolution(spiky: Store) -> None:
    near = series(spiky, Query(["x"], AT - 2, AT + 2)).points
    early = series(spiky, Query(["x"], 777, 778, buckets=100)).points

    assert near.values.tolist() == [0.5, 0.6, 1e6, 0.8, 0.9]
    assert np.isnan(early.values[0])
    assert early.values[1] == -np.inf
