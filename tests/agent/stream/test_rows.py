"""What counts as a number, and how names are made."""

import math
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from ergoscope.stream.rows import read_row, read_step, set_apart, to_number


def test_plain_numbers_are_kept_in_order() -> None:
    row = read_row({"b": 1, "a": 2.5, "flag": True})

    assert row.keys == ("b", "a", "flag")
    assert list(row.values) == [1.0, 2.5, 1.0]
    assert row.refused == {}


def test_dictionaries_inside_are_flattened() -> None:
    row = read_row({"val": {"acc": 0.5, "top": {5: 0.9}}, "loss": 1.0})

    assert row.keys == ("val/acc", "val/top/5", "loss")


def test_what_is_not_finite_is_a_number() -> None:
    row = read_row({"a": math.nan, "b": math.inf, "c": -math.inf, "d": 10**400, "e": -(10**400)})

    assert str(list(row.values)) == "[nan, inf, -inf, inf, -inf]"


@pytest.mark.parametrize(
    "value",
    [
        np.float32(1.5),
        np.float64(1.5),
        np.array(1.5),
        np.array([1.5]),
        torch.tensor(1.5),
        torch.tensor([1.5]),
        torch.tensor(1.5, requires_grad=True),
        torch.tensor(1.5, dtype=torch.bfloat16),
        Decimal("1.5"),
        Fraction(3, 2),
    ],
)
def test_everything_with_one_number_inside_is_a_number(value: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert to_number(value) == 1.5


@pytest.mark.parametrize(
    "value", [None, "1.5", b"1", [1.5], np.array([1.0, 2.0]), torch.zeros(2), 1j, np.str_("1"), object(), {1}]
)
def test_what_has_no_number_or_several_is_none(value: object) -> None:
    assert to_number(value) is None


def test_what_is_no_number_is_refused_alone_with_what_was_seen() -> None:
    row = read_row({"a": 1.0, "b": None, "c": "high", "d": 2.0})

    assert row.keys == ("a", "d")
    assert row.refused == {"b": "None is of type NoneType", "c": "'high' is of type str"}


def test_names_that_the_agent_gives_its_own_numbers_are_set_apart() -> None:
    taken = ["loss", "lr", "lr/1", "grad_norm", "grad_norm/layer.weight", "step_time"]
    free = ["loss/train", "train/loss", "Loss", "val/grad_norm", "accuracy", "wall", "plateau_state", "logged/loss"]

    assert set_apart(taken) == [f"logged/{key}" for key in taken]
    assert set_apart(free) == free


@pytest.mark.parametrize("given", [3, 3.0, np.int64(3), torch.tensor(3)])
def test_a_step_is_whatever_is_an_integer(given: object) -> None:
    assert read_step(given) == 3


@pytest.mark.parametrize("given", ["3", 3.5, math.nan, math.inf, [3], torch.tensor([3, 4])])
def test_what_is_no_integer_is_no_step(given: object) -> None:
    assert read_step(given) is None
