"""Nonlinearities and their units."""

import pytest
import torch
from torch import nn

from ergoscope.hearing.units import nonlinearities, silence


class NewGELUActivation(nn.Module):
    """A library's own."""


def test_units_are_channels_after_convolutions_and_features_after_linear_layers() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(2, 2), nn.GELU(), NewGELUActivation()
    )

    found = [(n.name, n.channels, n.faint > 0) for n in nonlinearities(model)]

    assert found == [("2", True, False), ("5", False, True), ("6", False, True)]


def test_silent_entries_and_living_units_of_an_image() -> None:
    output = torch.zeros(2, 3, 2, 2)
    output[1, 0, 1, 1] = 1.0
    output[:, 2] = -5.0

    found = silence(output, channels=True, faint=0.0)

    assert found is not None
    assert (int(found.zeros), found.entries, found.examples) == (24 - 1 - 8, 24, 2)
    assert found.alive.tolist() == [True, False, True]


def test_after_a_smooth_nonlinearity_faint_entries_are_silent() -> None:
    output = torch.ones(100, 2)
    output[:, 1] = 1e-4

    found = silence(output, channels=False, faint=1e-3)

    assert found is not None
    assert found.alive.tolist() == [True, False]
    assert int(found.zeros) == 100


def test_of_a_large_output_the_first_examples_are_taken() -> None:
    found = silence(torch.ones(10, 7), channels=False, faint=0.0, limit=15)
    one = silence(torch.ones(10, 7), channels=False, faint=0.0, limit=1)

    assert found is not None and one is not None
    assert (found.examples, found.entries) == (2, 14)
    assert one.examples == 1


@pytest.mark.parametrize("output", [torch.ones(3), torch.ones(2, 2, dtype=torch.int64), torch.ones(0, 2)])
def test_what_has_no_units_is_left_out(output: torch.Tensor) -> None:
    assert silence(output, channels=False, faint=0.0) is None
