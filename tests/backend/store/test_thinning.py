"""What is left of one chunk."""

import numpy as np
import pytest

from ergoscope_server.store.packing import CHUNK, Packed, pack_steps
from ergoscope_server.store.thinning import LEFT, points_in, thin


@pytest.mark.parametrize("kind", ["<f4", "<f8"])
@pytest.mark.parametrize("stride", [0, 1, 1_000])
def test_the_first_point_and_the_last_of_each_cell_are_left_as_they_were(kind: str, stride: int) -> None:
    steps = 7 + stride * np.arange(CHUNK, dtype=np.int64)
    values = np.sqrt(np.arange(CHUNK)).astype(kind)
    whole = Packed(CHUNK, int(steps[0]), int(steps[-1]), 5, pack_steps(steps), values.tobytes())

    left = thin(whole)

    places = [0, *range(63, CHUNK, 64)]
    assert left.step_array().tolist() == steps[places].tolist()
    assert left.values().tobytes() == values[places].tobytes()
    assert (left.first, left.last, left.arrived) == (whole.first, whole.last, 5)
    assert (points_in(whole.body), points_in(left.body)) == (CHUNK, len(places))
    assert thin(left) is left
    assert len(LEFT) == len(places)
