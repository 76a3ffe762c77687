"""Steps and values in bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ergoscope_server.store.packing import Packed, pack_steps, unpack_steps

LIMIT = 2**62


@given(st.lists(st.integers(-LIMIT, LIMIT), min_size=1, max_size=50).map(sorted))
def test_steps_come_back_whatever_their_distances(steps: list[int]) -> None:
    array = np.array(steps, np.int64)

    assert unpack_steps(steps[0], steps[-1], len(steps), pack_steps(array)).tolist() == steps


@pytest.mark.parametrize("stride", [0, 1, 7, 2**61])
def test_steps_of_constant_stride_take_no_bytes(stride: int) -> None:
    assert pack_steps(np.arange(3) * stride) is None


@pytest.mark.parametrize(("gap", "size"), [(255, 1), (256, 2), (65_536, 4), (2**32, 8)])
def test_other_steps_take_the_smallest_type_that_holds_their_differences(gap: int, size: int) -> None:
    packed = pack_steps(np.array([0, 1, 1 + gap]))

    assert packed is not None
    assert len(packed) == 2 * size


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_values_keep_the_type_they_came_in(dtype: str) -> None:
    values = np.array([1.5, np.nan, -0.0], dtype)

    read = Packed(3, 0, 2, 1, None, values.tobytes()).points().values

    assert read.dtype == dtype
    assert read.tobytes() == values.tobytes()
