"""A sentence is told with what a program reads of it."""

import torch
from torch import nn

from ergoscope.remark import Remark, data_of
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import bowl, watch


def test_a_remark_is_its_text_and_only_it_has_data() -> None:
    remark = Remark("margins are absent: why", absent=True)

    assert remark == "margins are absent: why" and remark in {"margins are absent: why"}
    assert data_of(remark) == {"absent": True}
    assert data_of("a plain text") == {}


def test_how_a_quantity_is_obtained_goes_out_with_its_names() -> None:
    model, outlet = bowl(), MemoryOutlet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    taps = watch(model, optimizer, outlet)
    for _ in range(3):
        optimizer.zero_grad()
        model().backward()
        optimizer.step()
    taps.detach()

    told = next(event for event in outlet.events("agent") if "how" in event.data)
    assert told.text == f"curvature is {told.data['how']}" and type(told.text) is str
    assert told.data["quantities"] == [
        "lambda_max",
        "lambda_max_residual",
        "lambda_max_precond",
        "sharpness_ratio",
        "batch_sharpness",  # and nothing of the curvature along the gradient, which is of a batch that stays
    ]
    assert "absent" not in told.data


def test_that_a_quantity_is_not_measured_is_marked() -> None:
    model, outlet = nn.Linear(2, 1), MemoryOutlet()
    optimizers = [torch.optim.SGD([p], lr=0.01) for p in model.parameters()]
    taps = watch(model, optimizers, outlet)
    for optimizer in optimizers:
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    taps.detach()

    told = [event for event in outlet.events("agent") if event.text.startswith("curvature is not measured")]
    assert [event.data["absent"] for event in told] == [True]
