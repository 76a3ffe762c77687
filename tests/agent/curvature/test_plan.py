"""What may be asked for."""

import pytest
import torch

import ergoscope
from ergoscope.curvature.plan import Curvature


def test_a_word_is_a_plan_without_more() -> None:
    plan = Curvature.of("blocks")

    assert plan == Curvature(scope="blocks")
    assert Curvature.of(plan) is plan
    assert Curvature.of(None) is None


def test_it_is_one_of_the_names_that_users_have() -> None:
    assert ergoscope.Curvature is Curvature


def test_another_word_is_refused() -> None:
    with pytest.raises(ValueError, match="curvature's scope is 'all'; it must be one of 'model', 'blocks', 'last'"):
        Curvature.of("all")  # type: ignore[arg-type]  # the point


def test_neither_word_nor_plan_is_refused() -> None:
    with pytest.raises(TypeError, match="curvature is a bool; it must be one of 'model', 'blocks', 'last', an ergos"):
        Curvature.of(True)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("every", [2.0, True, torch.tensor(3)])
def test_steps_that_are_no_whole_number_are_refused(every: object) -> None:
    with pytest.raises(TypeError, match=r"curvature's every is .*; it must be a whole number of steps, or None"):
        Curvature(every=every)  # type: ignore[arg-type]  # the point


def test_less_than_every_step_is_refused() -> None:
    with pytest.raises(ValueError, match="curvature's every is 0; it must be at least 1, or None"):
        Curvature(every=0)
