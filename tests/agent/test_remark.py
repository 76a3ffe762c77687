"""A sentence is told with what a program reads of it."""

import torch
from torch import nn

from ergoscope.remark import Remark, Remarks, data_of
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import bowl, watch


def test_a_remark_is_its_text_and_only_it_has_data() -> None:
    remark = Remark("margins are absent: why", absent=True)

    assert remark == "margins are absent: why" and remark in {"margins are absent: why"}
    assert data_of(remark) == {"absent": True}
    assert data_of("a plain text") == {}


def test_a_plain_text_is_told_once_and_a_remark_where_it_is_another_than_the_last() -> None:
    remarks = Remarks()
    exact, rough = (Remark(f"curvature is {how}", how=how) for how in ("exact", "rough"))
    told: list[list[str]] = [[], []]
    for round_ in told:
        for text in ("a text", exact, exact, "a text", rough):
            remarks.tell(text)
        round_ += remarks.take()

    assert told == [["a text", exact, rough], [exact, rough]]
    assert remarks.take() == []


def test_remarks_on_other_quantities_leave_the_last_one_known() -> None:
    remarks, how = Remarks(), Remark("the trace is exact", how="exact", quantities=["trace"])
    others = [Remark("the norm is exact", how="exact", quantities=["norm"]), Remark("all is exact", how="exact")]
    for text in (how, *others, how):
        remarks.tell(text)

    assert remarks.take() == [how, *others]


def test_how_a_quantity_is_obtained_is_told_again_when_it_was_absent_meanwhile_but_not_for_ever() -> None:
    remarks = Remarks()
    flips = [Remark("the trace is exact", how="exact"), Remark("the trace is absent: why", absent=True)] * 20
    for text in flips:
        remarks.tell(text)

    assert remarks.take() == flips[:16]


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
