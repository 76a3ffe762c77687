"""An axis that is linear around zero and logarithmic beyond."""

import numpy as np
import pytest

from ergoscope_ui.figures.signed import Signed, axis_for


def test_a_place_and_its_value_belong_together_and_zero_is_at_zero() -> None:
    values = np.array([-1e4, -1.0, 0.0, 0.01, 3.0, 1e6])
    axis = Signed(0.1)

    places = axis.place(values)

    assert axis.value(places).tolist() == pytest.approx(values.tolist(), rel=1e-12)
    assert places[2] == 0 and (np.diff(places) > 0).all()


def test_small_values_are_as_on_a_linear_axis_and_large_ones_as_on_a_logarithmic_one() -> None:
    small, large = Signed(10.0).place(np.array([0.01, 0.02])), Signed(10.0).place(np.array([1e6, 1e7]))

    # asinh x = x − x³/6 + ..., and log 2x + 1/4x² + ...
    assert small[1] / small[0] == pytest.approx(2.0, abs=1e-6)
    assert large[1] - large[0] == pytest.approx(np.log(10), abs=1e-9)


@pytest.mark.parametrize(("low", "high"), [(-3.7, 8.3), (0.0, 15.0), (-12.0, 12.0), (-1.0, 1.0)])
def test_there_are_few_ticks_and_room_between_them(low: float, high: float) -> None:
    places, words = Signed(1e-3).ticks(low, high)

    assert 0.0 in places and "0" in words
    assert np.diff(places).min() >= (high - low) / 8
    assert low <= places[0] and places[-1] <= high
    assert len(places) == len(words) <= 9


def test_ticks_are_powers_of_ten_in_words() -> None:
    assert Signed(0.1).ticks(-3.7, 8.3)[1] == ["−1", "0", "1", "10", "100"]
    assert Signed(1e-4).ticks(0.0, 6.0)[1] == ["0", "1e-4", "1e-3", "0.01"]


def test_the_scale_is_a_power_of_ten_that_stays_while_values_move_a_little() -> None:
    sizes, weights = np.array([0.2, 0.4, 50.0]), np.array([0.5, 0.49, 0.01])

    assert axis_for(sizes, weights) == axis_for(2 * sizes, weights) == Signed(0.1)


def test_zeros_do_not_take_the_whole_axis() -> None:
    assert axis_for(np.array([0.0, 100.0]), np.array([0.9, 0.1])).scale == pytest.approx(0.01)
    assert axis_for(np.array([0.0]), np.array([1.0])).scale == pytest.approx(1e-4)
