"""Parts of a loss that are the same for whatever rows a batch has."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from ergoscope.hearing.node import below
from ergoscope.hearing.penalty import penalties

ROWS, TARGETS = torch.arange(48.0).reshape(6, 8), torch.tensor([0, 1, 2, 3, 0, 1])
Loss = Callable[[Tensor, Tensor, nn.Linear], Tensor]  # of what the net alone gives, its hidden layer, its first layer


def found(loss: Loss) -> list[object] | None:
    """What is found in the loss of a net of two layers."""
    first, second = nn.Linear(8, 16), nn.Linear(16, 4)
    hidden = torch.relu(first(ROWS))
    output = second(hidden)
    whole = loss(F.cross_entropy(output, TARGETS), hidden, first).grad_fn
    assert whole is not None
    assert output.grad_fn is not None
    begins = penalties(whole, output.grad_fn, below(output.grad_fn))
    return None if begins is None else [type(node).__name__ for node in begins]


@pytest.mark.parametrize(
    ("loss", "begins"),
    [
        (lambda plain, hidden, layer: plain * 2, []),
        (
            lambda plain, hidden, layer: plain + sum(1e-3 * p.square().sum() for p in layer.parameters()),
            ["AddBackward0"],
        ),
        (lambda plain, hidden, layer: plain + layer.weight.norm() + 0.5 * layer.bias.norm(2), None),
        (lambda plain, hidden, layer: plain - torch.stack([p.abs().sum() for p in layer.parameters()]).mean(), None),
        (lambda plain, hidden, layer: torch.stack([plain, (layer.weight * layer.weight).sum()]).sum(), None),
        (lambda plain, hidden, layer: (plain + layer.weight.double().norm(dim=1).sum()) / 2, None),
        (lambda plain, hidden, layer: torch.tensor(1024.0) * (plain + (layer.weight.norm() - 1) ** 2), None),
        (lambda plain, hidden, layer: plain + torch.cat([p.view(-1) for p in layer.parameters()]).pow(2).mean(), None),
        (lambda plain, hidden, layer: plain + (torch.tensor(0.0) + layer.weight.norm()) * 1e-3, None),
    ],
)
def test_functions_of_the_parameters_alone_are_penalties(loss: Loss, begins: list[str] | None) -> None:
    names = found(loss)

    assert names if begins is None else names == begins


@pytest.mark.parametrize(
    "loss",
    [
        lambda plain, hidden, layer: plain + hidden.abs().mean(),
        lambda plain, hidden, layer: plain + layer(ROWS).square().mean(),
        lambda plain, hidden, layer: plain + (ROWS @ layer.weight.t()).mean(),
        lambda plain, hidden, layer: plain + layer.weight[torch.tensor([0, 1])].square().sum(),
        lambda plain, hidden, layer: plain + (layer.weight[:6] - ROWS).square().mean(),
        lambda plain, hidden, layer: plain + (layer.weight.square() * torch.ones(16, 8)).sum(),
        lambda plain, hidden, layer: plain + plain.detach() * layer.weight.square().sum(),
    ],
)
def test_what_may_hold_a_row_is_none(loss: Loss) -> None:
    assert found(loss) is None


@pytest.mark.parametrize(
    "loss",
    [
        lambda plain, hidden, layer: plain * layer.weight.square().sum(),
        lambda plain, hidden, layer: torch.log(plain + layer.weight.square().sum()),
        lambda plain, hidden, layer: 1 / (plain + layer.weight.square().sum()),
        lambda plain, hidden, layer: (plain + layer.weight.square().sum()) ** 2,
    ],
)
def test_a_penalty_that_is_not_added_is_none(loss: Loss) -> None:
    assert found(loss) is None


def test_a_parameter_without_dimensions_may_be_held_against_a_row() -> None:
    output = torch.ones(6, 2, requires_grad=True) * 2
    scale = torch.ones((), requires_grad=True)
    loss = output.sum() + (scale - ROWS.mean()) ** 2
    assert loss.grad_fn is not None
    assert output.grad_fn is not None

    assert penalties(loss.grad_fn, output.grad_fn, below(output.grad_fn)) is None
