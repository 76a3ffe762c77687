"""Answers less targets, as the graph of a squared error keeps them."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from ergoscope.hearing.residuals import residuals_of

ANSWERS = torch.tensor([1.0, 2.0, 4.0], requires_grad=True)
TARGETS = torch.tensor([0.0, 4.0, 4.0])
EXPECTED = torch.tensor([1.0, -2.0, 0.0])


@pytest.mark.parametrize(
    "loss",
    [
        F.mse_loss(ANSWERS, TARGETS) / 3,
        F.mse_loss(ANSWERS, TARGETS, reduction="none").mean(),
        0.5 * (ANSWERS - TARGETS).square().mean(),
        ((ANSWERS - TARGETS) ** 2).sum(),
        (TARGETS - ANSWERS).square().mean(),
    ],
)
def test_every_way_to_write_a_squared_error_keeps_what_it_is_made_of(loss: Tensor) -> None:
    found = residuals_of(loss)

    assert found is not None
    assert torch.equal(found, EXPECTED)
    assert not found.requires_grad


@pytest.mark.parametrize(
    "loss",
    [
        (ANSWERS - 2 * ANSWERS.exp()).square().mean(),  # of two answers
        ((ANSWERS - TARGETS) ** 4).mean(),
        ANSWERS.square().mean(),
        F.l1_loss(ANSWERS, TARGETS),
        F.mse_loss(ANSWERS, TARGETS) + F.mse_loss(ANSWERS, TARGETS + 1),
        torch.ones(()),
    ],
)
def test_what_is_no_squared_error_of_one_answer_is_not_taken_for_it(loss: Tensor) -> None:
    assert residuals_of(loss) is None


def test_what_somebody_has_written_over_is_not_read() -> None:
    answers = ANSWERS * 1.0
    loss = F.mse_loss(answers, TARGETS)
    with torch.no_grad():
        answers.zero_()

    assert residuals_of(loss) is None
