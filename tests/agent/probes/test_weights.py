"""Norms of the weights against weights that are known."""

import pytest
import torch
from torch import nn

from ergoscope.taps import attach
from tests.agent.memory_outlet import MemoryOutlet


@pytest.mark.known_answer("weight_norm")
def test_known_weights_read_their_norm_and_layers_add_in_squares() -> None:
    outlet, model = MemoryOutlet(), nn.Linear(2, 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[3.0, 4.0]]))
        model.bias.fill_(12.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)

    (0 * model(torch.zeros(1, 2))).sum().backward()  # gradients of zero: nothing moves
    optimizer.step()
    model.bias.sum().backward()  # the weights after the step count: the bias is 11.5 then
    optimizer.step()
    taps.detach()

    assert outlet.series("weight_norm/weight") == {1: 5.0, 2: 5.0}
    assert outlet.series("weight_norm/bias") == {1: 12.0, 2: 11.5}
    assert outlet.series("weight_norm") == {1: 13.0, 2: pytest.approx((25 + 11.5**2) ** 0.5)}
