"""Running means over a fixed sample of a gradient's entries."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.coordinates import Coordinates
from ergoscope.hearing.clipping import Cuts
from ergoscope.layers import Layers, Names


def moment_of(gradients: Sequence[Tensor]) -> Layers:
    parameters = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    return Layers(SGD(parameters, lr=0.0), Names({}), series=0)


def test_a_sample_of_entries_stands_for_all_of_its_layer() -> None:
    coordinates = Coordinates(limit=100)
    moment = moment_of([torch.full((90, 100), 2.0).t(), torch.full((1000,), 3.0)]).moment()
    assert moment is not None

    means = coordinates.add(moment, None)

    assert means is not None
    assert coordinates.size <= 100 + 2
    weight = float(means.weight)
    assert float(means.square) / weight == pytest.approx(9000 * 4 + 1000 * 9)
    assert float(means.mean) / weight**2 == pytest.approx(9000 * 4 + 1000 * 9)


def test_what_clipping_did_to_each_layer_is_undone_in_the_sample() -> None:
    moment = moment_of([torch.full((2,), 1.0), torch.full((2,), 1.0)]).moment()
    assert moment is not None

    means = Coordinates().add(moment, Cuts([0.5, 0.25], [[0], [0, 1]], frozenset({0, 1})))

    assert means is not None
    assert float(means.square / means.weight) == pytest.approx(2 * 2**2 + 2 * 8**2)


def test_a_reading_that_is_no_number_is_left_out_and_others_begin_anew_with_other_layers() -> None:
    coordinates = Coordinates()
    layers = moment_of([torch.ones(2), torch.ones(2)])
    moment = layers.moment()
    assert moment is not None

    coordinates.add(moment, None)
    moment.grads[0][0] = float("nan")
    after_bad = coordinates.add(moment, None)
    layers.optimizer.param_groups[0]["params"][1].grad = None
    moment.grads[0][0] = 1.0
    fewer = layers.moment()
    assert fewer is not None
    anew = coordinates.add(fewer, None)

    assert after_bad is not None
    assert anew is not None
    assert float(after_bad.weight) == pytest.approx(0.1)
    assert float(after_bad.square) == pytest.approx(0.4)
    assert float(anew.weight) == pytest.approx(0.1)
    assert float(anew.square) == pytest.approx(0.2)


def test_complex_gradients_have_no_sample() -> None:
    moment = moment_of([torch.ones(2, dtype=torch.complex64)]).moment()
    assert moment is not None

    assert Coordinates().add(moment, None) is None
