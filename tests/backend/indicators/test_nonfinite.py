"""Where values stop being numbers."""

import numpy as np

from ergoscope_server.indicators.nonfinite import Offence, first_offence, nonfinite_steps, offenders
from ergoscope_server.indicators.points import points

LOSS = points([1, 2, 3, 4], [1.0, np.inf, np.nan, 1.0])
GRAD = points([1, 2, 3, 4], [1.0, np.nan, 1.0, 1.0])
FINE = points([1, 2, 3, 4], [1.0, 1.0, 1.0, 1.0])


def test_nan_and_infinity_both_count() -> None:
    assert nonfinite_steps(LOSS).tolist() == [2, 3]


def test_the_first_offence_is_the_earliest_and_of_equals_the_first_named() -> None:
    assert first_offence({"loss": LOSS, "grad_norm": GRAD}, after=0) == Offence("loss", 2, np.inf)
    found = first_offence({"loss": LOSS, "grad_norm": GRAD}, after=2)
    assert found is not None
    assert (found.metric, found.step, found.became) == ("loss", 3, "NaN")


def test_what_was_seen_before_is_no_news() -> None:
    assert first_offence({"loss": LOSS, "grad_norm": GRAD}, after=3) is None


def test_offenders_are_the_layers_that_failed_first() -> None:
    late = points([1, 2, 3], [1.0, 1.0, np.nan])

    assert offenders({"a": late, "b": GRAD, "c": LOSS, "d": FINE}, upto=4) == (2, ["b", "c"])
    assert offenders({"a": late, "d": FINE}, upto=2) is None


def test_an_infinity_is_called_infinite() -> None:
    assert Offence("loss", 1, -np.inf).became == "infinite"
