"""The word that tells batches apart."""

from collections.abc import Callable

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
