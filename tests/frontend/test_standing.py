"""Which layers stand out."""

import numpy as np
import pytest

from ergoscope_ui.curve import from_points
from ergoscope_ui.standing import standings


def _curve(values: np.ndarray):  # type: ignore[no-untyped-def]  # a Curve
    return from_points("r", "m", list(range(values.size)), values.tolist())


def test_a_layer_ten_times_its_usual_value_comes_first_with_its_robust_z() -> None:
    # log10 of the past alternates -0.1, 0, 0.1: median 0, median distance 0.1, so one decade is 1 / 0.14826
    past = 10.0 ** np.tile([-0.1, 0.0, 0.1], 20)

    found = standings({"calm": _curve(np.append(past, 1.0)), "wild": _curve(np.append(past, 10.0))})

    assert [standing.name for standing in found] == ["wild", "calm"]
    assert found[0].z == pytest.approx(1 / 0.14826)
    assert found[0].value == pytest.approx(10.0)
    assert found[1].z == pytest.approx(0.0)


def test_a_layer_that_never_moves_has_no_z_and_a_short_one_is_left_out() -> None:
    found = standings({"frozen": _curve(np.full(50, 1e-3)), "short": _curve(np.ones(5))})

    assert [(standing.name, standing.z) for standing in found] == [("frozen", 0.0)]


def test_values_that_have_no_logarithm_are_passed_over() -> None:
    values = np.append(np.tile([1.0, 2.0], 20), [0.0, np.nan])

    assert standings({"a": _curve(values)})[0].value == 2.0
