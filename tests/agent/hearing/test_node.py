"""Walks over autograd's graph."""

import torch

from ergoscope.hearing.node import below, is_leaf, next_of


def test_a_walk_sees_each_node_once_and_stops_where_it_is_told() -> None:
    weight = torch.ones(2, requires_grad=True)
    double = 2 * weight
    both = double + double
    assert double.grad_fn is not None
    assert both.grad_fn is not None

    everything, above = below(both.grad_fn), below(both.grad_fn, but=double.grad_fn)

    assert len(everything) == 3
    assert above == {both.grad_fn, double.grad_fn}
    assert [node for node in everything if is_leaf(node)] == list(next_of(double.grad_fn))
    assert below(both.grad_fn, double.grad_fn) == everything
    assert below() == set()
