"""What an ear on a forward pass hears, and when it looks away."""

import torch
from torch import Tensor, nn

from ergoscope.curvature.guard import guarded
from ergoscope.hearing.listening import Ear


def test_passes_that_measure_are_not_heard() -> None:
    model, heard = nn.ReLU(), list[Tensor]()
    ear = Ear(lambda tell: tell, charge=lambda seconds: None, clock=lambda: 0.0)
    ear.to_output(model, heard.append)

    with guarded(model):
        model(torch.ones(2))
    model(torch.ones(3))
    ear.close()

    assert [len(tensor) for tensor in heard] == [3]
