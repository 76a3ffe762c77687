"""Derivatives of a gradient that has a graph."""

import torch

from ergoscope.curvature.products import HessianProducts


def test_products_of_a_quadratic_are_its_matrix() -> None:
    weight = torch.tensor([1.0, -1.0], requires_grad=True)
    matrix = torch.tensor([[3.0, 1.0], [1.0, 2.0]])
    found = torch.autograd.grad(weight @ matrix @ weight / 2, [weight], create_graph=True)

    hessian = HessianProducts(found, [weight])

    assert torch.equal(hessian(torch.tensor([1.0, 0.0])), matrix[0])
    assert torch.equal(hessian.gradient, matrix @ weight.detach())


def test_without_a_graph_products_are_zeros() -> None:
    weight = torch.ones(2, requires_grad=True)

    hessian = HessianProducts([torch.ones(2)], [weight])

    assert hessian(torch.ones(2)).tolist() == [0.0, 0.0]


def test_what_is_forgotten_is_gone() -> None:
    weight = torch.ones(2, requires_grad=True)
    hessian = HessianProducts(torch.autograd.grad((weight**3).sum(), [weight], create_graph=True), [weight])

    hessian.forget()

    assert hessian(torch.ones(2)).tolist() == [0.0, 0.0]
