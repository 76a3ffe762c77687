"""How far the quadratic picture of the loss holds, through the whole agent."""

import math
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from ergoscope.curvature import last_step
from ergoscope.curvature.plan import Curvature
from ergoscope.lineup import SHARPNESS, SMOOTHNESS
from tests.agent.curvature.test_graph import Cube
from tests.agent.jobs import everything, same_bits
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import Bowl, bowl, net, watch

CURVATURE, CUBE = 2.0, 0.7
RADIUS = 3.0197


class Bend(nn.Module):
    """½hx² + (c/6)x³, at 1.3."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1,), 1.3, dtype=torch.float64))

    def forward(self) -> Tensor:
        return (CURVATURE / 2 * self.weight**2 + CUBE / 6 * self.weight**3).sum()


def followed(
    model: nn.Module, optimizer: Optimizer, loss: Callable[[], Tensor], *, steps: int = 4, **asked: object
) -> MemoryOutlet:
    """Train on one loss, looked at as the fixed batch at every step."""
    outlet = MemoryOutlet()
    taps = watch(model, optimizer, outlet, probe=0, loss_fn=lambda _, __: loss(), tasks=(SMOOTHNESS,), **asked)  # type: ignore[arg-type]  # as it is named there
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


def told(outlet: MemoryOutlet) -> list[str]:
    return [e.text for e in outlet.events("agent") if "smoothness" in e.text or "gns_radius" in e.text]


@pytest.mark.known_answer("gns_radius")
def test_of_a_cubic_it_is_where_the_third_derivative_takes_over_and_of_a_quadratic_it_has_no_end() -> None:
    bend, flat = Bend(), bowl()

    cubic = followed(bend, SGD(bend.parameters(), lr=0.0), bend).series("gns_radius")
    quadratic = followed(flat, SGD(flat.parameters(), lr=0.1), flat).series("gns_radius")

    first, *later = cubic.values()
    assert RADIUS <= first <= 2 * RADIUS  # it finds the length
    assert later == pytest.approx([RADIUS] * 3, abs=5e-5)
    assert set(quadratic.values()) == {math.inf}
    assert bend.weight.tolist() == [1.3]


@pytest.mark.known_answer("gns_radius_steps")
def test_it_is_counted_in_steps_as_long_as_the_one_before() -> None:
    model = Bend()
    optimizer = SGD(model.parameters(), lr=1e-6)  # so short that the radius stays

    outlet = followed(model, optimizer, model)

    step = 1e-6 * (CURVATURE * 1.3 + CUBE / 2 * 1.3**2)
    assert list(outlet.series("gns_radius_steps").values())[1:] == pytest.approx([RADIUS / step] * 3, rel=1e-4)
    (text,) = told(outlet)
    assert re.match(
        "the smoothness radius: curvature is exact, on the fixed batch [0-9a-f]{12}, over the whole model;", text
    )
    assert text.endswith("; along −g, Hg, the last step")


def crossing(off: Callable[[float], float], level: float) -> float:
    """Where a misfit that grows meets the gradient, by bisection."""
    low, high = 1e-4, 1e2
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if off(middle) < level else (low, middle)
    return low


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from its function transforms
def test_of_a_net_it_is_the_least_over_its_directions() -> None:
    model, x, y = net()
    model, x, y = model.double(), x.double(), y.double()
    flat = torch.cat([p.detach().reshape(-1) for p in model.parameters()])

    def loss(weights: Tensor) -> Tensor:
        pieces = torch.split(weights, [p.numel() for p in model.parameters()])
        given = {n: v.view(p.shape) for (n, p), v in zip(model.named_parameters(), pieces, strict=True)}
        return (torch.func.functional_call(model, given, (x,)) - y).square().mean()

    slope, hessian = torch.func.grad(loss)(flat), torch.func.hessian(loss)(flat)
    level, expected = float(slope.norm()), []
    for way in (-slope, hessian @ slope):
        unit = way / way.norm()
        expected.append(
            crossing(
                lambda h, u=unit: float((torch.func.grad(loss)(flat + h * u) - slope - h * hessian @ u).norm()), level
            )  # type: ignore[misc]  # a default in a lambda
        )

    outlet = followed(model, SGD(model.parameters(), lr=0.0), lambda: (model(x) - y).square().mean(), steps=12)

    assert outlet.series("gns_radius")[12] == pytest.approx(min(expected), rel=1e-3)
    assert outlet.series("gns_radius_steps") == {}  # nothing has moved


def test_the_weights_come_back_to_the_last_bit_and_training_is_the_same() -> None:
    def trained(*, looks: bool) -> list[Tensor]:
        model, x, y = net()
        optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
        if looks:
            assert followed(model, optimizer, lambda: (model(x) - y).square().mean(), steps=6).series("gns_radius")
        else:
            for _ in range(6):
                optimizer.zero_grad()
                (model(x) - y).square().mean().backward()
                optimizer.step()
        return everything(model, [optimizer])

    assert same_bits(trained(looks=True), trained(looks=False))


def test_blocks_have_each_its_own() -> None:
    model, x, y = net()
    optimizer = SGD(model.parameters(), lr=0.1)

    outlet = followed(model, optimizer, lambda: (model(x) - y).square().mean(), steps=6, curvature="blocks")

    assert list(outlet.series("gns_radius/0")) == [1, 3, 5]
    assert list(outlet.series("gns_radius_steps/2")) == [2, 4, 6]
    assert outlet.series("gns_radius") == {}


def test_with_several_optimizers_the_step_is_not_among_the_directions() -> None:
    (model, x, y), outlet = net(), MemoryOutlet()
    pair = [SGD(layer.parameters(), lr=0.1) for layer in (model[0], model[2])]  # type: ignore[index]  # a sequence

    taps = watch(
        model,
        pair,
        outlet,
        probe=0,
        loss_fn=lambda one, _: (one(x) - y).square().mean(),
        tasks=(SMOOTHNESS,),
    )
    for _ in range(3):
        model(x).square().mean().backward()
        for one in pair:
            one.step()
    taps.detach()

    assert list(outlet.series("gns_radius")) == [1, 2, 3]
    assert outlet.series("gns_radius_steps") == {}
    assert told(outlet)[0].endswith("along −g, Hg")


def test_on_the_training_s_own_batch_the_reason_is_told_and_nothing_is_heard() -> None:
    (model, x, y), outlet = net(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.1)

    taps = watch(model, optimizer, outlet, tasks=(SHARPNESS, SMOOTHNESS))
    for _ in range(3):
        optimizer.zero_grad()
        (model(x) - y).square().mean().backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("gns_radius") == {}
    assert len(outlet.series("lambda_max")) == 3
    (text,) = told(outlet)
    assert text.startswith("not measured without a fixed batch: gns_radius, gns_radius_steps; with a fixed batch")


def test_without_memory_for_a_copy_of_the_weights_the_other_directions_are_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, x, y = net()
    monkeypatch.setattr(last_step, "spare", lambda _: 0.0)

    outlet = followed(model, SGD(model.parameters(), lr=0.1), lambda: (model(x) - y).square().mean())

    assert list(outlet.series("gns_radius")) == [1, 2, 3, 4]
    assert outlet.series("gns_radius_steps") == {}


def test_products_by_differences_see_no_more_than_differences_can_tell() -> None:
    model = nn.ParameterList([nn.Parameter(torch.full((3,), 2.0))])

    def loss() -> Tensor:
        made: Tensor = Cube.apply(model[0]).sum() + 0.5 * model[0].square().sum()  # type: ignore[no-untyped-call]  # torch's
        return made

    outlet = followed(model, SGD(model.parameters(), lr=0.0), loss, steps=8)

    # Σw³ along −(1,1,1): m = 3h²/√3, g = √3(3w² + w)
    expected = 14.0**0.5
    assert outlet.series("gns_radius")[8] == pytest.approx(expected, rel=1e-2)
    assert "is finite difference" in told(outlet)[-1]


def test_weights_in_half_precision_are_refused() -> None:
    model = Bowl(torch.ones(4, dtype=torch.bfloat16))

    outlet = followed(model, SGD(model.parameters(), lr=0.1), model)

    assert outlet.series("gns_radius") == {}
    assert told(outlet) == [
        "the smoothness radius is absent: weights in torch.bfloat16 would round most of a nudge away"
    ]


def test_a_plan_s_pause_is_kept_with_the_step_among_the_directions() -> None:
    model, x, y = net()

    outlet = followed(
        model,
        SGD(model.parameters(), lr=0.1),
        lambda: (model(x) - y).square().mean(),
        steps=16,
        curvature=Curvature(every=5),
    )

    assert len(outlet.series("gns_radius")) == 4
    assert outlet.series("gns_radius").keys() == outlet.series("gns_radius_steps").keys()
