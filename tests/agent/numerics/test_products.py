"""Inner products of tensors however they lie in memory."""

import pytest
import torch
from torch import Tensor

from ergoscope.numerics.products import in_order_of_memory, products_of

IMAGE = torch.arange(24.0).reshape(1, 2, 3, 4)
PAIRS: dict[str, tuple[Tensor, Tensor, float]] = {
    "vectors": (torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]), 11.0),
    "channels last": (*[IMAGE.to(memory_format=torch.channels_last)] * 2, float((IMAGE**2).sum())),
    "strides that differ": (IMAGE, IMAGE.to(memory_format=torch.channels_last), float((IMAGE**2).sum())),
    "transposed": (torch.tensor([[1.0, 2.0], [3.0, 4.0]]).t(), torch.tensor([[1.0, 0.0], [0.0, 2.0]]), 9.0),
    "bf16": (torch.full((4096,), 1.0, dtype=torch.bfloat16), torch.ones(4096, dtype=torch.bfloat16), 4096.0),
    "two dtypes": (torch.ones(3), torch.full((3,), 2.0, dtype=torch.bfloat16), 6.0),
    "fp64": (torch.full((2,), 1e-30, dtype=torch.float64), torch.full((2,), 1e-30, dtype=torch.float64), 2e-60),
    "complex": (torch.tensor([1 + 2j]), torch.tensor([3 + 4j]), 11.0),
    "a number": (torch.tensor(3.0), torch.tensor(4.0), 12.0),
    "nothing": (torch.zeros(0), torch.zeros(0), 0.0),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_products_are_exact(kind: str) -> None:
    left, right, expected = PAIRS[kind]

    (product,) = products_of([left], [right])

    assert product.dim() == 0
    assert product.item() == pytest.approx(expected, rel=1e-12)


def test_a_dense_tensor_is_flattened_without_a_copy() -> None:
    image = IMAGE.to(memory_format=torch.channels_last)

    flat = in_order_of_memory(image)

    assert flat.data_ptr() == image.data_ptr()
    assert flat.shape == (24,)
    assert flat.is_contiguous()
