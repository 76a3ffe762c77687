"""Which models scale as a power of their weights."""

import pytest
import torch
from torch import nn

from ergoscope.hearing.homogeneity import degree_of


def chain(*, bias: bool = False) -> nn.Sequential:
    inner = nn.Sequential(nn.ReLU(), nn.MaxPool1d(2), nn.Flatten())
    return nn.Sequential(nn.Conv1d(1, 2, 3, bias=False), inner, nn.Dropout(0.0), nn.Linear(6, 3, bias=bias))


def test_a_chain_without_biases_scales_with_the_power_of_its_layers() -> None:
    model, x = chain(), torch.randn(4, 1, 8)
    before = model(x)

    degree, reason = degree_of(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 3.0

    assert (degree, reason) == (2, "")
    assert torch.allclose(model(x), 3.0**degree * before, rtol=1e-5)


class Own(nn.Module):
    """Does what nobody sees."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (chain(bias=True), "Linear has a bias"),
        (nn.Sequential(nn.Linear(2, 2, bias=False), nn.LayerNorm(2)), "LayerNorm is not known to scale with its input"),
        (nn.Sequential(nn.Linear(2, 2, bias=False), nn.GELU()), "GELU is not known to scale with its input"),
        (Own(), "Own is not known to scale with its input"),
        (nn.Sequential(nn.ReLU()), "it has no weights"),
    ],
)
def test_of_other_models_the_reason_is_given(model: nn.Module, reason: str) -> None:
    assert degree_of(model) == (0, reason)


def test_what_wraps_a_model_does_not_hide_it() -> None:
    wrapped = nn.DataParallel(chain())

    assert degree_of(wrapped) == (2, "")
