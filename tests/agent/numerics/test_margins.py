"""Margins of known scores."""

import math

import pytest
import torch
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from ergoscope.numerics import margins
from ergoscope.numerics.margins import margins_of_classes, margins_of_signs, pooled

SCORES = torch.tensor([[3.0, 1.0, 0.0], [2.0, 5.0, 4.0], [0.0, 0.0, 9.0], [1.0, 7.0, 7.0]])
RIGHT = torch.tensor([0, 2, -100, 1])


def test_the_right_class_is_held_against_the_best_of_the_others() -> None:
    found, slacks = margins_of_classes(SCORES, RIGHT, -100)

    assert found.tolist() == [2.0, -1.0, math.inf, 0.0]
    losses = F.cross_entropy(SCORES, RIGHT, reduction="none")
    assert F.softplus(slacks).tolist() == pytest.approx(losses.tolist(), abs=1e-6)


def test_log_probabilities_have_the_margins_of_their_logits() -> None:
    torch.manual_seed(0)
    scores, right = 5 * torch.randn(64, 10), torch.randint(0, 10, (64,))

    some, others = margins_of_classes(scores, right, -1), margins_of_classes(F.log_softmax(scores, 1), right, -1)

    for one, other in zip(some, others, strict=True):
        assert torch.allclose(one, other, atol=1e-5)  # rounding of numbers up to 30 in fp32


def test_many_classes_are_taken_in_parts_and_nothing_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = margins_of_classes(SCORES, RIGHT, -100)
    before = SCORES.clone()
    monkeypatch.setattr(margins, "CHUNK", 3)

    parts = margins_of_classes(SCORES, RIGHT, -100)

    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))
    assert torch.equal(SCORES, before)


def test_answers_with_two_sides_count_when_their_target_is_a_side() -> None:
    found, slacks = margins_of_signs(torch.tensor([2.0, 2.0, 2.0]), torch.tensor([1.0, 0.0, 0.9]))

    assert found.tolist() == [2.0, -2.0, math.inf]
    assert slacks.tolist() == [-2.0, 2.0, -math.inf]


def test_losses_too_small_for_fp32_still_have_their_logarithm() -> None:
    least, tenth, smooth = pooled([torch.tensor([200.0])], [torch.tensor([-200.0])], [1.0]).tolist()

    assert (least, tenth, smooth) == (200.0, 200.0, 200.0)


def test_a_part_of_the_examples_stands_for_all_of_them() -> None:
    slacks = torch.zeros(10)

    smooth = pooled([-slacks], [slacks], [0.01])[2].item()

    assert smooth == pytest.approx(-math.log(1000 * math.log(2)), rel=1e-6)


def test_examples_that_do_not_count_are_in_no_quantile() -> None:
    values = torch.cat([torch.arange(101.0), torch.full((300,), math.inf)])

    least, tenth, _ = pooled([values], [-values], [1.0]).tolist()

    assert (least, tenth) == (0.0, 10.0)


def test_a_margin_that_is_no_number_is_the_smallest() -> None:
    values = torch.tensor([1.0, math.nan])

    least, _, smooth = pooled([values], [-values], [1.0]).tolist()

    assert math.isnan(least)
    assert math.isnan(smooth)


def test_when_nothing_counts_the_smallest_margin_is_infinite() -> None:
    values = torch.full((3,), math.inf)

    assert pooled([values], [-values], [1.0])[0].item() == math.inf
