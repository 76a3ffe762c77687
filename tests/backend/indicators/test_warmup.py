"""The initial rise of the learning rate."""

import numpy as np

from ergoscope_server.indicators.points import Points, points
from ergoscope_server.indicators.warmup import WarmUp, follow


def _rates(values: np.ndarray) -> Points:
    return points(np.arange(1, len(values) + 1), values)


RISE = _rates(np.minimum(0.1, 0.001 * np.arange(1, 301)))  # to 0.1 at step 100


def test_a_linear_rise_is_a_warm_up_until_its_last_step() -> None:
    rising, over = follow(WarmUp(), RISE.upto(80)), follow(WarmUp(), RISE)

    assert (rising.phase, rising.happened) == ("rising", False)
    assert (over.phase, over.happened, over.risen) == ("over", True, 100)


def test_it_does_not_matter_in_how_many_pieces_the_rates_arrive() -> None:
    warm = WarmUp()
    for end in range(1, 301, 7):
        warm = follow(warm, RISE.upto(end + 6).since(end))

    assert warm == follow(WarmUp(), RISE)


def test_a_constant_rate_never_warmed_up() -> None:
    warm = follow(WarmUp(), _rates(np.full(50, 0.1)))

    assert (warm.phase, warm.happened) == ("over", False)


def test_a_rate_that_falls_from_the_start_never_warmed_up() -> None:
    warm = follow(WarmUp(), _rates(np.linspace(0.1, 0.0, 50)))

    assert (warm.phase, warm.happened) == ("over", False)


def test_a_rise_followed_by_a_cosine_ends_at_its_top() -> None:
    rates = np.concatenate((np.linspace(0, 0.1, 101), 0.05 * (1 + np.cos(np.linspace(0, 3, 200)[1:]))))

    warm = follow(WarmUp(), _rates(rates))

    assert (warm.happened, warm.risen) == (True, 101)


def test_nothing_logged_is_unknown() -> None:
    assert follow(WarmUp(), _rates(np.empty(0))).phase == "unknown"
