"""Moments of weights and gradients whose distributions are known."""

from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet

SIZE = 32_768  # entries of a layer that are looked at


def watch(weights: Iterable[Tensor], gradients: Iterable[Tensor]) -> MemoryOutlet:
    """Look at each layer once: one of them every eighth step."""
    outlet, model = MemoryOutlet(), nn.ParameterList([nn.Parameter(w) for w in weights])
    optimizer = SGD(model.parameters(), lr=0.0)
    for parameter, gradient in zip(model, gradients, strict=True):
        parameter.grad = gradient
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0, start_step=7)
    for _ in range(8 * len(model) - 7):
        optimizer.step()
    taps.detach()
    return outlet


def of_layers(outlet: MemoryOutlet, metric: str, layers: int) -> list[float]:
    found = [list(outlet.series(f"{metric}/{i}").values()) for i in range(layers)]
    assert all(len(values) == 1 for values in found)
    return [values[0] for values in found]


@pytest.mark.known_answer("kurtosis")
def test_weights_of_students_distribution_and_of_a_uniform_one_have_their_kurtosis() -> None:
    torch.manual_seed(0)
    layers = 16
    student = torch.distributions.StudentT(10.0)
    draws = [student.sample((SIZE,)) for _ in range(layers)] + [torch.rand(SIZE) for _ in range(layers)]

    outlet = watch(draws, [torch.zeros(SIZE)] * (2 * layers))

    kurtosis = of_layers(outlet, "kurtosis", 2 * layers)
    # Variance (m8 - 4 b m6 + 4 b^3 - b^2) / n, b = m4, of standardized moments: for 10 degrees of freedom b = 4,
    # m6 = 40, m8 = 1120, so 720 / n; for the uniform b = 9/5, m6 = 27/7, m8 = 9, so 1.317 / n.
    entries = layers * SIZE
    assert sum(kurtosis[:layers]) / layers == pytest.approx(1.0, abs=4 * (720 / entries) ** 0.5)
    assert sum(kurtosis[layers:]) / layers == pytest.approx(-1.2, abs=4 * (1.317 / entries) ** 0.5)


@pytest.mark.known_answer("grad_kurtosis")
def test_gradients_that_are_normal_or_of_two_values_have_their_kurtosis() -> None:
    torch.manual_seed(0)
    draws = [1e-12 * torch.randn(SIZE), torch.tensor([1e-12, -1e-12]).repeat(SIZE // 2)]

    outlet = watch([torch.zeros(SIZE)] * 2, draws)

    normal, two = of_layers(outlet, "grad_kurtosis", 2)
    assert normal == pytest.approx(0.0, abs=4 * (24 / SIZE) ** 0.5)
    assert two == pytest.approx(-2.0, abs=1e-5)  # rounding in fp32


@pytest.mark.known_answer("weight_mean")
def test_uniform_weights_have_their_mean() -> None:
    torch.manual_seed(0)

    outlet = watch([4 * torch.rand(SIZE) - 1], [torch.ones(SIZE)])

    assert of_layers(outlet, "weight_mean", 1)[0] == pytest.approx(1.0, abs=4 * (16 / 12 / SIZE) ** 0.5)


@pytest.mark.known_answer("weight_sd")
def test_uniform_weights_have_their_spread() -> None:
    torch.manual_seed(0)

    outlet = watch([4 * torch.rand(SIZE) - 1], [torch.ones(SIZE)])

    # The variance of the estimate s is (m4 - s^4) / (4 s^2 n), m4 = 9/5 s^4.
    spread = (16 / 12) ** 0.5
    assert of_layers(outlet, "weight_sd", 1)[0] == pytest.approx(spread, abs=4 * spread * (0.2 / SIZE) ** 0.5)


def extremes() -> MemoryOutlet:
    """Two optimizers, with two layers and with one."""
    outlet = MemoryOutlet()
    model = nn.ParameterList([nn.Parameter(torch.tensor(w)) for w in ([1.0, -5.0], [2.0, 0.5], [3.0, -7.0])])
    optimizers = [SGD(list(model)[:2], lr=0.0), SGD(list(model)[2:], lr=0.0)]
    taps = attach(model, optimizers, outlet, clock=lambda: 0.0, start_step=7)
    for parameter, gradient in zip(model, ([0.5, -0.25], [-9.0, 1.0], [4.0, 4.0]), strict=True):
        parameter.grad = torch.tensor(gradient)
    for optimizer in optimizers:
        optimizer.step()
    taps.detach()
    return outlet


@pytest.mark.known_answer("weight_maxabs")
def test_the_largest_weight_of_each_layer_and_of_all_optimizers_is_found() -> None:
    outlet = extremes()

    assert [outlet.series(f"weight_maxabs/{i}") for i in range(3)] == [{8: 5.0}, {8: 2.0}, {8: 7.0}]
    assert outlet.series("weight_maxabs") == {8: 7.0}


@pytest.mark.known_answer("grad_maxabs")
def test_the_largest_entry_of_each_gradient_and_of_all_optimizers_is_found() -> None:
    outlet = extremes()

    assert [outlet.series(f"grad_maxabs/{i}") for i in range(3)] == [{8: 0.5}, {8: 9.0}, {8: 4.0}]
    assert outlet.series("grad_maxabs") == {8: 9.0}


def test_of_a_large_layer_a_part_is_looked_at() -> None:
    weights = torch.zeros(4 * SIZE + 1)
    weights[::2] = 1.0  # as many zeros as ones; no row of a matrix is favoured

    outlet = watch([weights], [torch.ones_like(weights)])

    assert of_layers(outlet, "weight_mean", 1)[0] == pytest.approx(0.5, abs=1e-3)


def test_equal_entries_have_no_kurtosis_and_empty_layers_no_moments() -> None:
    outlet = watch([torch.ones(4), torch.ones(0)], [torch.ones(4), torch.ones(0)])

    assert of_layers(outlet, "weight_sd", 1) == [0.0]
    assert outlet.series("kurtosis/0") == {}
    assert outlet.series("grad_kurtosis/0") == {}
    assert outlet.series("weight_mean/1") == {}
    assert outlet.series("weight_maxabs/1") == {8: 0.0, 16: 0.0}
    assert outlet.events("agent") == []


def test_a_layer_that_is_not_a_number_says_so() -> None:
    outlet = watch([torch.tensor([1.0, float("nan")])], [torch.tensor([1.0, float("inf")])])

    assert all(v != v for v in of_layers(outlet, "kurtosis", 1) + of_layers(outlet, "grad_kurtosis", 1))
