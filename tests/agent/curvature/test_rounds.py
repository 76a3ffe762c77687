"""Draws that belong together, and those that no longer do."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from ergoscope.curvature.rounds import Round, Rounds

DIAGONAL = torch.linspace(-1.0, 4.0, 30)
LIKE = torch.ones(30)


def rounds(*, pace: int = 2) -> Rounds:
    return Rounds(steps=4, draws=3, pace=pace)


def look(
    of: Rounds, step: int, *, weights: float = 1.0, rates: Sequence[float] = (), scale: float = 1.0
) -> Round | None:
    def product(vector: Tensor) -> Tensor:
        return scale * DIAGONAL * vector

    found = of.look(product, [weights * LIKE], LIKE, rates=rates)
    return of.read(found, found.values.tolist(), step)


def test_a_round_is_so_many_draws_and_says_since_when() -> None:
    of = rounds()

    found = [look(of, step) for step in range(10, 22)]

    complete = [(at, one) for at, one in enumerate(found) if one is not None]
    assert [at for at, _ in complete] == [5, 7, 9, 11]  # with each draw once there are three
    assert [one.since for _, one in complete] == [10, 12, 14, 16]
    assert [len(one.draws) for _, one in complete] == [3, 3, 3, 3]
    forms = {draw.form for _, one in complete for draw in one.draws}
    assert len(forms) == 6  # each from a direction of its own
    assert [one.draws[:2] for _, one in complete[1:]] == [one.draws[1:] for _, one in complete[:-1]]


def test_a_look_that_ends_a_draw_begins_no_other_that_it_cannot_end() -> None:
    of = rounds(pace=3)

    between = []
    for step in range(6):
        found = look(of, step)
        between.append(of.between)

    assert between == [False, True] * 3
    assert found is not None


def test_whether_the_next_look_ends_a_draw_is_known_before() -> None:
    of, asked = rounds(pace=3), list[int]()

    def last() -> None:
        asked.append(len(ends))

    ends = []
    for _ in range(4):
        ends.append(of.ends)
        of.look(lambda v: DIAGONAL * v, [LIKE], LIKE, step=last)

    assert ends == [False, True] * 2
    assert asked == [2, 4]  # what is to be held against the directions is asked for then, and only then


def test_draws_of_one_product_fill_a_look() -> None:
    of = Rounds(steps=1, draws=8, pace=4)

    assert look(of, 0) is None
    found = look(of, 1, weights=9.0)  # nothing is spread, so nothing drifts

    assert found is not None
    assert len(found.draws) == 8
    assert of.lost == 0


@pytest.mark.parametrize(("weights", "lost"), [(1.09, 0), (1.11, 1), (float("nan"), 1)])
def test_a_draw_over_which_weights_moved_by_more_than_a_tenth_is_lost(weights: float, lost: int) -> None:
    of = rounds()

    look(of, 0)
    look(of, 1, weights=weights)

    assert (of.lost, of.pace) == (lost, 4 if lost else 2)


def test_the_pace_doubles_until_a_look_holds_a_draw_and_slows_down_with_each_round() -> None:
    of = Rounds(steps=20, draws=3, pace=4)
    paces = []
    for step in range(12):
        found = look(of, step, weights=1.5**step)
        paces.append(of.pace)
        if found is not None:
            break

    assert paces == [4, 8, 8, 16, 16, 20, 20, 20, 10]
    assert of.lost == 3
    assert found is not None
    assert found.since == 6


@pytest.mark.parametrize(("rate", "lost"), [(0.091, 0), (0.089, 1), (0.112, 1)])
def test_a_draw_over_which_the_learning_rate_moved_by_more_than_a_tenth_is_lost(rate: float, lost: int) -> None:
    of = rounds()

    look(of, 0, rates=[0.1, 1.0])
    look(of, 1, rates=[rate, 1.0])

    assert of.lost == lost


def test_a_jump_of_the_learning_rate_leaves_out_what_came_before() -> None:
    of = rounds()
    for step in range(4):  # two draws
        look(of, step, rates=[0.1])

    found = [look(of, step, rates=[0.05], scale=2.0) for step in range(4, 10)]

    assert found[:5] == [None] * 5
    assert found[5] is not None
    assert found[5].since == 4
    assert of.lost == 0


def test_what_was_lost_stays_so_when_it_is_read_late() -> None:
    of = rounds()
    first, second = (of.look(lambda v: DIAGONAL * v, [f * LIKE], LIKE) for f in (1.0, 1.5))

    for at, one in enumerate((first, second)):
        of.read(one, one.values.tolist(), at)

    assert of.lost == 1
    assert of.between


def test_a_draw_with_products_that_were_not_finite_is_given_up_at_once() -> None:
    of = rounds()

    look(of, 0, scale=float("inf"))

    assert (of.broken, of.lost, of.pace) == (1, 0, 2)
    assert of.between
    assert [look(of, step) is not None for step in range(1, 7)][-1]
