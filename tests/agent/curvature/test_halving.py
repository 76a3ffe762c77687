"""Parts of a batch of any make."""

from typing import NamedTuple

import pytest
import torch

from ergoscope.curvature.halving import divided, halved, rows_of


class Pair(NamedTuple):
    """As some data loaders give it."""

    x: torch.Tensor
    y: torch.Tensor


def test_the_first_half_of_all_tensors_is_taken_and_the_rest_stays() -> None:
    x, y = torch.arange(10.0).reshape(5, 2), torch.arange(5)

    inputs, labels = halved(Pair(x, y))  # type: ignore[misc]  # five rows can be halved
    mapped = halved({"x": [x], "more": (y, "text")})

    assert torch.equal(inputs, x[:2])
    assert torch.equal(labels, y[:2])
    assert inputs.data_ptr() == x.data_ptr()
    assert mapped is not None
    assert torch.equal(mapped["x"][0], x[:2])
    assert mapped["more"][1] == "text"


def test_equal_parts_leave_the_last_few_examples_over() -> None:
    x, y = torch.arange(16.0).reshape(8, 2), torch.arange(8)

    parts = divided({"x": x, "y": [y]}, 3)

    assert [part["x"].tolist() for part in parts] == [x[:2].tolist(), x[2:4].tolist(), x[4:6].tolist()]
    assert [part["y"][0].tolist() for part in parts] == [[0, 1], [2, 3], [4, 5]]  # type: ignore[attr-defined]  # a list of one
    assert divided((x, y), 9) == divided(torch.tensor(1.0), 2) == []


@pytest.mark.parametrize("batch", [torch.ones(1, 3), torch.tensor(1.0), (torch.ones(4), torch.ones(3)), "text", []])
def test_what_has_no_half_has_none(batch: object) -> None:
    assert halved(batch) is None


def test_rows_are_those_that_all_tensors_have() -> None:
    assert rows_of((torch.ones(4, 2), {"y": torch.ones(4)}, 7)) == 4
    assert rows_of((torch.ones(4, 2), torch.tensor(0.0))) is None


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")  # torch's own
def test_a_nested_tensor_has_no_rows_that_can_be_told() -> None:
    assert rows_of(torch.nested.nested_tensor([torch.ones(2, 2), torch.ones(3, 2)])) is None
