"""The word that tells batches apart."""

from collections.abc import Callable
from typing import Never

import numpy as np
import pytest
import torch
from torch import Tensor

from ergoscope.curvature.fingerprint import fingerprint


def batch() -> dict[str, object]:
    images = torch.linspace(-1, 1, 24).view(2, 3, 4)
    return {"x": (images, [torch.tensor([1, 0])]), "n": 2, "of": np.arange(3.0), "half": images.bfloat16()}


def test_equal_content_has_one_word() -> None:
    assert fingerprint(batch()) == fingerprint(batch())
    assert len(fingerprint(batch())) == 12


def test_how_a_tensor_lies_in_memory_does_not_matter() -> None:
    images = torch.arange(12.0).view(3, 4)

    assert fingerprint(images.t().contiguous()) == fingerprint(images.t())


@pytest.mark.parametrize(
    "other",
    [
        lambda x: x.index_fill(0, torch.tensor(3), 0.5),
        lambda x: x.view(2, 3),
        lambda x: x.double(),
        lambda x: [x],
        lambda x: (x,),
        lambda x: x.numpy(),
        lambda x: {"x": x},
        lambda x: None,
    ],
)
def test_other_content_shape_or_type_has_another(other: Callable[[Tensor], object]) -> None:
    given = torch.arange(6.0)

    assert fingerprint(other(given)) != fingerprint(given)


def test_of_what_holds_no_numbers_the_kind_counts_and_not_the_address() -> None:
    class Loader:
        """Anything."""

    sparse = torch.ones(2, 2).to_sparse()

    assert fingerprint(Loader()) == fingerprint(Loader())
    assert fingerprint(Loader()) != fingerprint(object())
    assert fingerprint(sparse) == fingerprint(sparse.clone())


def test_a_list_that_holds_itself_comes_to_an_end() -> None:
    endless: list[object] = [1]
    endless.append(endless)

    assert len(fingerprint(endless)) == 12


def test_many_that_hold_each_other_come_to_an_end_too() -> None:
    endless: list[object] = []
    endless += [endless, endless, endless]
    doubled: list[object] = []
    for _ in range(31):
        doubled = [doubled, doubled]

    assert len({fingerprint(endless), fingerprint(doubled), fingerprint([[], []])}) == 3


def test_views_that_conjugate_or_negate_are_read_and_are_not_what_they_view() -> None:
    waves = torch.tensor([1 + 2j, 3 - 4j])
    numbers = torch.ones(2)

    assert fingerprint(waves.conj()) == fingerprint(waves.conj().resolve_conj()) != fingerprint(waves)
    assert fingerprint(torch._neg_view(numbers)) == fingerprint(-numbers) != fingerprint(numbers)


class Unreadable(dict[str, int]):
    """A mapping that fails."""

    def items(self) -> Never:
        raise RuntimeError("not now")


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")  # torch's own
def test_of_what_cannot_be_read_the_kind_counts() -> None:
    nested = torch.nested.nested_tensor([torch.ones(2, 2), torch.ones(3, 2)])

    for one in (nested, torch.ones(2, device="meta"), Unreadable(a=1)):
        assert fingerprint([one]) == fingerprint([one]) != fingerprint([2])
