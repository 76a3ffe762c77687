"""Whole stories of runs whose loss settles: as what, told by gradient, balance and weights."""

import re
from dataclasses import replace

import numpy as np
import pytest

from ergoscope_contract.answers import Verdict
from ergoscope_server.history.chronicle import Chronicle, rewind
from ergoscope_server.history.play import play
from ergoscope_server.indicators.assessment import RunData
from ergoscope_server.indicators.invariance import Looks
from ergoscope_server.indicators.points import FloatArray, Points, points
from ergoscope_server.indicators.recipe import Recipe
from tests.reference.ar1 import SEEDS
from tests.reference.trainings import staged
from tests.reference.walks import confined, free, straight


def _states(found: Verdict) -> list[str]:
    return [spell.state for spell in found.spells]


def _squares(seed: int, *, low: float, high: float, n: int = 12_000, drop: int = 6000) -> Points:
    """Readings of Ĝ², one in 50 steps, that fall to `low` and, after the learning rate fell, to `high`."""
    steps = np.arange(25, n, 50)
    fall = np.exp(-steps / 300.0)
    level = np.where(steps < drop, low + (1 - low) * fall, high)
    return points(steps, level + 0.05 * np.random.default_rng(seed).normal(size=len(steps)))


@pytest.mark.parametrize("seed", SEEDS)
def test_an_equilibrium_is_told_from_a_plateau_of_which_nothing_more_is_known(seed: int) -> None:
    """The story of a step schedule on label noise: the gradient levels off at 30 % of its start, then at 8 %."""
    known = {"grad_sq_norm_debiased": _squares(seed, low=0.09, high=0.0064)}

    found, without = staged(seed=seed).verdict(measured=known), staged(seed=seed).verdict()

    assert _states(found) == ["DESCENDING", "PLATEAU-INVARIANT", "DESCENDING", "PLATEAU"]
    assert (found.spells[1].first, found.spells[1].last) == (without.spells[1].first, 6000)
    assert all(a.last + 1 == b.first for a, b in zip(found.spells, found.spells[1:], strict=False))
    assert "cannot be told from zero" in found.sentence


@pytest.mark.parametrize("seed", SEEDS)
def test_the_sentence_of_an_equilibrium_names_its_numbers(seed: int) -> None:
    known = {
        "grad_sq_norm_debiased": _squares(seed, low=0.09, high=0.0),
        "descent_balance": points([4000, 4200], [0.9, 1.02]),
        "descent_balance_error": points([4000, 4200], [0.1, 0.08]),
    }

    found = staged(seed=seed).until(5500).verdict(measured=known)

    assert found.headline == "The loss has settled, in equilibrium and not at a stationary point."
    told = (
        "Loss {n} ± {n} since step {n} .* The gradient norm, noise removed, stays at {n} ± {n} % of its start, so this "
        "is no stationary point. Of what the slope gains, curvature takes back 1.02 ± 0.16."
    )
    assert re.search(told.replace(".", r"\.").replace(r"\.*", ".*").format(n=r"[0-9.,]+"), found.sentence)
    named = {phrase.reading for phrase in found.evidence}
    assert {"loss_mean_ci", "stabilization_onset", "grad_debiased_level", "descent_balance"} <= named


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("walk", "state"),
    [(confined(90, 200, phi=0.3, seed=5), "PLATEAU-INVARIANT"), (straight(90, 200, seed=5), "DRIFTING")],
)
def test_a_level_loss_whose_weights_go_on_is_drifting(seed: int, walk: FloatArray, state: str) -> None:
    looks = Looks(64 * np.arange(1, 91), walk + 0.01 * free(90, 200, seed=seed))
    known = {"grad_sq_norm_debiased": _squares(seed, low=0.09, high=0.0)}

    found = staged(seed=seed).until(5900).verdict(measured=known, looks=looks)

    assert (found.state, _states(found)) == (state, ["DESCENDING", state])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_gradient_without_noise_that_vanishes_makes_a_stationary_point(seed: int) -> None:
    squares = _squares(seed, low=0.0, high=0.0)
    quiet = points(squares.steps, squares.values * np.where(squares.steps > 1500, 1e-3, 1.0))

    found = staged(seed=seed).until(5500).verdict(measured={"grad_sq_norm_debiased": quiet})

    assert found.state == "STATIONARY-POINT"


def test_a_run_that_resumes_remembers_how_high_its_gradient_was() -> None:
    squares = _squares(1, low=0.09, high=0.0).upto(4000)
    run = staged(seed=1).until(4000)
    loss = points(np.arange(1, 4001), run.loss)
    data = RunData(loss, loss_head=loss, measured=lambda key: squares)
    before = play(Chronicle(), data, run="r", now=0.0).chronicle

    after = rewind(before, 2000)

    assert (after.peak.last, after.peak.highest, after.peak.start) == (2000, before.peak.highest, before.peak.start)


@pytest.mark.parametrize(("ratio", "flags"), [(1.0, ["EDGE"]), (0.3, [])])
@pytest.mark.parametrize("seed", SEEDS)
def test_without_sharpness_the_batches_of_plain_sgd_tell_the_edge(seed: int, ratio: float, flags: list[str]) -> None:
    run = staged(seed=seed).until(2000)
    steps = np.arange(1, 2001)
    loss = points(steps, run.loss)
    noise = 1 + 0.2 * np.random.default_rng(seed).normal(size=40)
    sharp = points(np.arange(40) * 50 + 1, 2 * ratio / 0.1 * noise)
    data = RunData(loss, lr=points(steps, run.lr), loss_head=loss, measured=lambda key: sharp, recipe=Recipe("SGD"))

    found = play(Chronicle(), data, run="r", now=0.0).chronicle
    momentum = play(Chronicle(), replace(data, recipe=Recipe("SGD", 0.9)), run="r", now=0.0).chronicle

    # Somewhere between .1 and 1.9 with momentum: of 1, and of less, nothing can be said.
    assert (found.flags, momentum.flags) == (flags, [])
    told = "".join(phrase.text for phrase in found.evidence)
    assert told.endswith("batches are curved as much as SGD holds: the edge of stability.") is bool(flags)


@pytest.mark.parametrize(("ratio", "flags"), [(1.9, ["EDGE"]), (1.4, [])])
@pytest.mark.parametrize("seed", SEEDS)
def test_with_momentum_batches_tell_the_edge_at_the_most_that_they_are_seen_at(
    seed: int, ratio: float, flags: list[str]
) -> None:
    run = staged(seed=seed).until(2000)
    steps = np.arange(1, 2001)
    loss = points(steps, run.loss)
    noise = 1 + 0.2 * np.random.default_rng(seed).normal(size=40)
    sharp = points(np.arange(40) * 50 + 1, 2 * ratio / 0.1 * noise)
    recipe = Recipe("SGD", 0.9)
    data = RunData(loss, lr=points(steps, run.lr), loss_head=loss, measured=lambda key: sharp, recipe=recipe)

    found = play(Chronicle(), data, run="r", now=0.0).chronicle
    nesterov = play(Chronicle(), replace(data, recipe=replace(recipe, nesterov=True)), run="r", now=0.0).chronicle

    assert (found.flags, nesterov.flags) == (flags, [])
