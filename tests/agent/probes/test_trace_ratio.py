"""The trace against what SGD can hold, through the whole agent, and where it is not known."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from ergoscope.lineup import SPECTRUM
from ergoscope.probes.trace_ratio import TraceRatio
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import watch

EXAMPLES, SIZE = 6, 3.0  # orthogonal features, each of squared length 3
LOOKS = 25  # of a reading at most


class Orthogonal(nn.Module):
    """Six examples, each with a feature of its own; the mean of ½(w·x − y)² has the Hessian ½·identity."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(EXAMPLES, dtype=torch.float64))

    def forward(self, inputs: Tensor) -> Tensor:
        out: Tensor = 0.5 * (inputs @ self.weight).square()
        return out


FEATURES = SIZE**0.5 * torch.eye(EXAMPLES, dtype=torch.float64)


def looked_at(model: nn.Module, optimizer: Optimizer, *, examples: int | None, passes: int = 1) -> MemoryOutlet:
    outlet = MemoryOutlet()
    taps = watch(
        model,
        optimizer,
        outlet,
        probe=FEATURES,
        loss_fn=lambda one, batch: one(batch),
        tasks=(SPECTRUM,),
        examples=examples,
    )
    for _ in range(LOOKS + 1):
        optimizer.zero_grad()
        for _ in range(passes):
            (0.0 * model(FEATURES).sum()).backward()
        optimizer.step()
    taps.detach()
    return outlet


@pytest.mark.known_answer("sgd_trace_ratio")
@pytest.mark.parametrize(("batch", "edge"), [(1, 2 / 3), (2, 4 / 3), (3, 2.0), (6, 4.0)])
def test_of_orthogonal_features_it_is_one_at_the_exact_threshold(batch: int, edge: float) -> None:
    model = Orthogonal()

    outlet = looked_at(model, SGD(model.parameters(), lr=edge), examples=batch)

    found = list(outlet.series("sgd_trace_ratio").values())
    assert found[-1] == pytest.approx(1.0, rel=1e-9)
    # E w² of a weight changes by this a step: its example is drawn with probability B/n, and then w by 1 − ηs/B.
    growth = 1 - batch / EXAMPLES + batch / EXAMPLES * (1 - edge * SIZE / batch) ** 2
    assert growth == pytest.approx(1.0, rel=1e-12)


def test_examples_of_several_backward_passes_add_up() -> None:
    model = Orthogonal()

    outlet = looked_at(model, SGD(model.parameters(), lr=2.0), examples=1, passes=3)

    assert list(outlet.series("sgd_trace_ratio").values())[-1] == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(
    ("kind", "settings", "examples", "reason"),
    [
        (SGD, {}, None, "the examples of a step are not known; watch(..., examples_per_backward=n) tells"),
        (Adam, {}, 6, "Adam is not plain SGD"),
        (SGD, {"momentum": 0.9}, 6, "it is known for SGD without momentum"),
        (SGD, {"weight_decay": 0.1}, 6, "it is known for SGD without weight_decay"),
    ],
)
def test_where_it_is_not_known_the_reason_is_told_of_it_alone(
    kind: type[Optimizer], settings: dict[str, float], examples: int | None, reason: str
) -> None:
    model = Orthogonal()

    outlet = looked_at(model, kind(model.parameters(), lr=0.1, **settings), examples=examples)  # type: ignore[call-arg]  # settings of it

    assert outlet.series("sgd_trace_ratio") == {}
    assert outlet.series("hess_trace")
    told = [e for e in outlet.events("agent") if e.data.get("quantities") == ["sgd_trace_ratio"]]
    assert [one.text for one in told] == [f"what SGD can hold is not measured: {reason}"]


def test_of_other_steps_nothing_is_said_either() -> None:
    parameters = [nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))]
    two_rates = SGD([{"params": [p], "lr": rate} for p, rate in zip(parameters, (0.1, 0.2), strict=True)])
    ratio = TraceRatio(8, passes=lambda: 1)

    assert ratio.of(1.0, two_rates) is None
    assert ratio.of(1.0, None) is None
    on_device = SGD(parameters, lr=0.1)
    on_device.param_groups[0]["lr"] = torch.tensor(0.1, device="meta")  # to read it would raise
    assert ratio.of(1.0, on_device) is None
    assert ratio.remarks.take() == [
        "what SGD can hold is not measured: groups of parameters have different learning rates",
        "what SGD can hold is not measured: several optimizers move the parameters",
        "what SGD can hold is not measured: the learning rate lies on a device, and is not waited for",
    ]
