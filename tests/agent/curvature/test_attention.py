"""Attention written out, against the kernel and against torch's own mathematics."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from ergoscope.curvature.attention import attention_gradients, open_attention
from ergoscope.curvature.graph import survey

CLOSE = 1e-5
WITH = {
    "plain": {},
    "causal": {"is_causal": True},
    "scale": {"scale": 0.3},
    "mask": {"attn_mask": torch.randn(6, 5, generator=torch.Generator().manual_seed(1))},
    "boolean mask": {"attn_mask": torch.ones(6, 5, dtype=torch.bool).tril(2)},
    "groups": {"enable_gqa": True},
}


def _tensors(case: str, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    heads = 2 if case == "groups" else 4
    shapes = ((3, 4, 6, 8), (3, heads, 5, 8), (3, heads, 5, 8), (3, 4, 6, 8))
    return [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]


@pytest.mark.parametrize("case", WITH)
def test_gradients_written_out_are_those_of_attention(case: str) -> None:
    query, key, value, outer = _tensors(case)
    leaves = [t.requires_grad_() for t in (query, key, value)]
    given = WITH[case]

    with sdpa_kernel(SDPBackend.MATH):
        out = functional.scaled_dot_product_attention(*leaves, **given)
    truth = torch.autograd.grad(out, leaves, outer)
    found = attention_gradients(
        query,
        key,
        value,
        outer,
        mask=given.get("attn_mask"),
        scale=given.get("scale"),
        causal=given.get("is_causal", False),
    )

    assert all(torch.allclose(f, t, rtol=CLOSE, atol=CLOSE) for f, t in zip(found, truth, strict=False))


def test_a_mask_of_numbers_has_a_gradient_too() -> None:
    query, key, value, outer = _tensors("mask", torch.float64)
    mask = torch.zeros(6, 5, dtype=torch.float64, requires_grad=True)

    with sdpa_kernel(SDPBackend.MATH):
        out = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    (truth,) = torch.autograd.grad(out, mask, outer)
    *_, found = attention_gradients(query, key, value, outer, mask=mask.detach())

    assert found is not None
    assert torch.allclose(found, truth)


def test_the_kernels_own_bits_reach_a_pass_without_a_graph() -> None:
    query, key, value, outer = (t.requires_grad_() for t in _tensors("plain"))
    out = functional.scaled_dot_product_attention(query, key, value)
    truth = torch.autograd.grad(out, [query, key, value], outer, retain_graph=True)

    with open_attention(survey([out]).fused):
        inside = torch.autograd.grad(out, [query, key, value], outer, retain_graph=True)

    assert all(torch.equal(a, b) for a, b in zip(truth, inside, strict=True))


def test_outside_of_the_context_the_kernel_still_refuses() -> None:
    query, key, value, outer = (t.requires_grad_() for t in _tensors("plain"))
    out = functional.scaled_dot_product_attention(query, key, value)
    with open_attention(survey([out]).fused):
        pass

    gradient = torch.autograd.grad(out, query, outer, create_graph=True)[0]

    with pytest.raises(RuntimeError, match="is not implemented"):
        torch.autograd.grad(gradient.sum(), query)
