"""Which nets the norms of their layers say something of, and which are chains that paths go through."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from ergoscope.hearing.nets import linear_chain, norms_mean_nothing
from tests.agent.jobs import conv, gpt, mlp


class LlamaRMSNorm(nn.Module):
    """As libraries have it."""


def test_norms_of_plain_nets_mean_something() -> None:
    assert norms_mean_nothing(mlp()) == ""
    assert norms_mean_nothing(nn.Sequential(nn.Embedding(4, 2), nn.Conv2d(1, 2, 3))) == ""


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (conv(), "BatchNorm2d takes the scale out of the layers before it"),
        (gpt(), "LayerNorm takes the scale out of the layers before it"),
        (nn.Sequential(LlamaRMSNorm()), "LlamaRMSNorm takes the scale out of the layers before it"),
        (nn.LSTM(2, 2), "LSTM uses its weights once a step of a sequence"),
        (parametrizations.spectral_norm(nn.Linear(2, 2)), "weights are made of other parameters"),
    ],
)
def test_of_others_it_says_why_they_do_not(model: nn.Module, reason: str) -> None:
    assert norms_mean_nothing(model) == reason


def test_a_chain_is_found_inside_chains_and_wrappers() -> None:
    layers = [nn.Linear(2, 3, bias=False), nn.Linear(3, 3, bias=False), nn.Linear(3, 1, bias=False)]
    model = nn.Sequential(nn.Flatten(), nn.Sequential(layers[0], nn.ReLU()), layers[1], nn.Dropout(), layers[2])

    assert linear_chain(nn.DataParallel(model)) == tuple(layers)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (mlp(), "Linear has a bias"),
        (conv(), "Conv2d is not known to let paths pass"),
        (nn.Sequential(nn.Linear(2, 2, bias=False), nn.Tanh()), "Tanh is not known to let paths pass"),
        (
            nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(2, 1, bias=False)),
            "the layers do not fit one another",
        ),
        (nn.Sequential(nn.ReLU()), "it has no linear layers"),
    ],
)
def test_what_is_no_chain_says_why(model: nn.Module, reason: str) -> None:
    assert linear_chain(model) == reason


def test_nothing_is_drawn_or_changed() -> None:
    model, before = conv(), torch.random.get_rng_state()
    was_training = [part.training for part in model.modules()]

    norms_mean_nothing(model)
    linear_chain(model)

    assert torch.equal(before, torch.random.get_rng_state())
    assert [part.training for part in model.modules()] == was_training
