"""Spectra of the matrices of a watched job."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.lineup import SINGULAR
from ergoscope.probes import singular
from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import watch

FIRST = 275  # step at which it is due first
SUFFIXES = ("", "_error", "_distance", "_tail", "_null")


def look(weights: list[Tensor], *, steps: int = 0) -> MemoryOutlet:
    """Take each matrix once, one a step."""
    outlet, model = MemoryOutlet(), nn.ParameterList([nn.Parameter(w) for w in weights])
    optimizer = SGD(model.parameters(), lr=0.0)
    for parameter in model:
        parameter.grad = torch.zeros_like(parameter)
    taps = watch(model, optimizer, outlet, tasks=(SINGULAR,))
    for _ in range(steps or len(weights)):
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


def of_spectrum(eigenvalues: np.ndarray, seed: int = 0) -> Tensor:
    """A square matrix W with random axes and these eigenvalues of WWᵀ."""
    generator = torch.Generator().manual_seed(seed)
    left, right = (
        torch.linalg.qr(torch.randn(len(eigenvalues), len(eigenvalues), generator=generator))[0] for _ in "ab"
    )
    return left * torch.from_numpy(np.sqrt(eigenvalues)).float() @ right


def tail(outlet: MemoryOutlet, layer: int) -> list[float]:
    return [next(iter(outlet.series(f"spectral_alpha{suffix}/{layer}").values())) for suffix in SUFFIXES]


@pytest.mark.known_answer("effective_rank")
def test_equal_singular_values_are_counted() -> None:
    eigenvalues = np.array([0.0] * 5 + [2.0] * 7)

    outlet = look([of_spectrum(eigenvalues), torch.eye(3)])

    assert outlet.series("effective_rank/0") == {1: pytest.approx(7.0, rel=1e-5)}
    assert outlet.series("effective_rank/1") == {2: pytest.approx(3.0, rel=1e-6)}


@pytest.mark.known_answer("spectral_alpha", "spectral_alpha_error", "spectral_alpha_tail")
def test_the_exponent_of_a_spectrum_is_found_within_the_error_that_is_given() -> None:
    exponents, samples = (2.5, 4.0), 6
    draws = [
        (1 - np.random.default_rng(seed).random(500)) ** (-1 / (exponent - 1))
        for exponent in exponents
        for seed in range(samples)
    ]

    # Below a thousandth of the largest singular value there is rounding; so far down these do not reach.
    outlet = look([of_spectrum(draw) for draw in draws])

    for number, exponent in enumerate(np.repeat(exponents, samples)):
        found, error, _, count, _ = tail(outlet, number)
        assert found == pytest.approx(exponent, abs=4 * error)
        assert error == pytest.approx((found - 1) / count**0.5, rel=1e-6)


@pytest.mark.known_answer("spectral_alpha_null", "spectral_alpha_distance")
def test_random_weights_look_like_what_stands_beside_them_and_the_fit_does_not_object() -> None:
    torch.manual_seed(0)

    found, error, distance, count, null = tail(look([torch.randn(400, 800) / 800**0.5]), 0)

    assert null == pytest.approx(6.01, abs=4 * error)
    assert found == pytest.approx(null, abs=4 * 2**0.5 * error)  # two draws
    assert distance < 1.36 / count**0.5


def test_one_layer_is_taken_at_a_time_and_no_vectors() -> None:
    outlet = look([torch.ones(4), torch.eye(2), torch.ones(1, 4), torch.zeros(2, 3, 1, 1)], steps=4)

    assert outlet.series("effective_rank/0") == outlet.series("effective_rank/2") == {}
    assert list(outlet.series("effective_rank/1")) == [1, 3]
    assert list(outlet.series("effective_rank/3")) == [2, 4]  # zeros have no rank, and it says so
    assert all(value != value for value in outlet.series("effective_rank/3").values())


def test_small_matrices_have_no_tail() -> None:
    torch.manual_seed(0)

    outlet = look([torch.randn(49, 80), torch.randn(50, 80)])

    assert outlet.series("spectral_alpha/0") == {}
    assert outlet.series("spectral_alpha/1")


def test_matrices_without_enough_values_have_no_tail_either() -> None:
    outlet = look([torch.eye(50)])

    assert outlet.series("effective_rank/0") == {1: pytest.approx(50.0)}
    assert outlet.series("spectral_alpha/0") == {}


def test_large_matrices_are_absent_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(singular, "SIDE", 3)

    outlet = look([torch.eye(4), torch.eye(3)])

    assert outlet.series("effective_rank/0") == {}
    assert list(outlet.series("effective_rank/1")) == [1, 2]
    (event,) = [e for e in outlet.events("agent") if "tail exponent" in e.text]
    assert event.text == (
        "effective rank and tail exponent are absent for 1 matrices, the first of them 0: the smaller side is more "
        "than 3, or there are more than 4,194,304 entries"
    )


def test_entries_that_are_not_finite_leave_it_absent() -> None:
    outlet = look([torch.full((3, 3), float("inf"))])

    assert outlet.series("effective_rank/0") == {}


def test_a_spectrum_is_that_of_the_step_at_which_it_was_taken() -> None:
    outlet, weight = MemoryOutlet(), nn.Parameter(torch.eye(4))
    optimizer = SGD([weight], lr=1.0)
    taps = attach(nn.ParameterList([weight]), optimizer, outlet, clock=lambda: 0.0)
    for step in range(1, FIRST + 2):
        weight.grad = torch.zeros(4, 4)
        optimizer.step()
        if step == FIRST:
            with torch.no_grad():
                weight[1:].zero_()
    taps.detach()

    assert outlet.series("effective_rank/0") == {FIRST: pytest.approx(4.0)}
