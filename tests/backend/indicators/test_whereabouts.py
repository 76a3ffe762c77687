"""The words on gradient, balance and weights."""

from dataclasses import replace

import numpy as np
import pytest

from ergoscope_contract.answers import State
from ergoscope_server.indicators.assessment import Assessment
from ergoscope_server.indicators.balance import Balance
from ergoscope_server.indicators.displacement import Displacement
from ergoscope_server.indicators.few import Few
from ergoscope_server.indicators.invariance import Invariance
from ergoscope_server.indicators.level import Level
from ergoscope_server.indicators.true_gradient import TrueGradient
from ergoscope_server.indicators.whereabouts import balance, gradient, weights

FOUND = Assessment(4000, 4000, 400, grad=Level(0.57, 0.05, 900.0))
START = (0.9, 0.02)


def _true(mean: float, error: float, start: tuple[float, float] | None = START) -> TrueGradient:
    return TrueGradient(Few(mean, error, 30.0, 40), start, 0.9)


@pytest.mark.parametrize(
    ("true", "state", "text"),
    [
        (
            _true(0.09, 0.005),
            "PLATEAU-INVARIANT",
            "The gradient norm, noise removed, stays at 31.6 ± 1.9 % of its start, so this is no stationary point. ",
        ),
        (_true(0.09, 0.005), "DESCENDING", "The gradient norm, noise removed, is at 31.6 ± 1.9 % of its start. "),
        (_true(0.0, 1e-4), "STATIONARY-POINT", "The gradient norm, noise removed, is at most 1.5 % of its start. "),
        (
            _true(0.01, 0.01),
            "PLATEAU",
            "Without its noise the gradient cannot be told from zero: it is at most 18 % of its start. ",
        ),
        (_true(0.01, 0.01, None), "PLATEAU", "Without its noise the gradient cannot be told from zero. "),
        (
            _true(0.1, 0.01, None),
            "PLATEAU-INVARIANT",
            "The gradient norm, noise removed, is above zero beyond chance, so this is no stationary point. ",
        ),
        (_true(0.0, 1e-4, None), "STATIONARY-POINT", "The gradient norm, noise removed, is near zero. "),
        (_true(0.01, 0.01), "DESCENDING", "The gradient norm, noise removed, is at most 18 % of its start. "),
        (
            _true(0.01, 0.01, None),
            "DESCENDING",
            "The gradient norm of a minibatch is at 57.0 ± 5.0 % of its start; it includes sampling noise. ",
        ),
        (
            _true(0.01, 0.01),
            "STATIONARY-POINT",
            "The gradient norm of a minibatch is down to 57.0 ± 5.0 % of its start, sampling noise included, so the "
            "true gradient is at most as large. ",
        ),
        (
            _true(-1.0, 0.01),
            "PLATEAU",
            "The gradient norm of a minibatch stays at 57.0 ± 5.0 % of its start; it includes sampling noise. ",
        ),
    ],
)
def test_the_gradient_without_noise_is_told_where_it_is_known(true: TrueGradient, state: State, text: str) -> None:
    assert "".join(phrase.text for phrase in gradient(replace(FOUND, true=true), state)) == text


def test_without_any_gradient_nothing_is_said() -> None:
    assert gradient(replace(FOUND, grad=None), "PLATEAU") == []
    assert balance(FOUND, "PLATEAU") == weights(FOUND) == []


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (Balance(1.02, 0.04, 1), "Of what the slope gains, curvature takes back 1.020 ± 0.078. "),
        (
            Balance(0.03, 0.01, 1),
            "Of what the slope gains, curvature takes back 0.030 ± 0.020, so the loss still falls. ",
        ),
        (Balance(1.6, 0.1, 1), "Of what the slope gains, curvature takes back 1.60 ± 0.20, so the loss rises. "),
    ],
)
def test_the_balance_says_what_it_means(known: Balance, text: str) -> None:
    told = balance(replace(FOUND, balance=known), "PLATEAU")

    assert "".join(phrase.text for phrase in told) == text
    assert [phrase.reading for phrase in told if phrase.reading] == ["descent_balance"]


def test_where_there_is_next_to_no_slope_nothing_is_said_of_what_it_gains() -> None:
    assert balance(replace(FOUND, balance=Balance(0.004, 0.001, 1)), "STATIONARY-POINT") == []


@pytest.mark.parametrize(
    ("exponent", "text"),
    [
        (0.05, "The weights keep to a basin. "),
        (0.25, ""),
        (0.5, "The weights wander on: their squared distance grows as time to the power 0.500 ± 0.059. "),
        (1.8, "The weights are leaving: their squared distance grows as time to the power 1.800 ± 0.059. "),
    ],
)
def test_the_weights_keep_wander_or_leave(exponent: float, text: str) -> None:
    none = np.empty(0)
    known = Invariance(None, (), Displacement(none, none, exponent, 0.03, None, 60), None, None, 60)

    assert "".join(phrase.text for phrase in weights(replace(FOUND, invariance=known))) == text
