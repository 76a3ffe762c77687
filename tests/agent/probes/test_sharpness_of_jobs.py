"""The steepest curvature in jobs of many kinds, and what is told where it cannot be had."""

from itertools import count, pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.curvature.fingerprint import fingerprint
from ergoscope.curvature.plan import Curvature
from ergoscope.curvature.room import needed
from ergoscope.curvature.tracker import COLD
from ergoscope.probes.vantage import vantage
from ergoscope.shards import Seat
from tests.agent.curvature.test_graph import Cube
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import bowl, net, said, train, watch

CPU = torch.device("cpu")


@pytest.mark.parametrize("divided", [False, True])
def test_of_several_passes_one_stands_for_the_sum(divided: bool) -> None:
    model, outlet = bowl(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    taps = watch(model, optimizer, outlet, due=8)
    for _ in range(8):
        optimizer.zero_grad()
        for _ in range(2):
            (model() / 2 if divided else model()).backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("lambda_max")[8] == pytest.approx(5.0 if divided else 10.0, rel=1e-5)
    assert "of one of 2 backward passes a step, times 2" in said(outlet)[0]


def test_a_closure_makes_each_pass_anew() -> None:
    model, outlet = bowl(), MemoryOutlet()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.01, max_iter=3)
    taps = watch(model, optimizer, outlet)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss: Tensor = model()
        loss.backward()
        return loss

    for _ in range(4):
        optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    taps.detach()

    assert outlet.series("lambda_max")[4] == pytest.approx(5.0, rel=1e-5)
    assert outlet.series("sharpness_ratio") == {}
    lack = {"quantities": ["sharpness_ratio"], "absent": True}
    told = [event.text for event in outlet.events("agent") if event.data == lack]
    assert told == ["there is no threshold: no closed form is known for LBFGS"]


@pytest.mark.parametrize("scale", [None, 1024.0])
def test_a_scale_is_taken_out_and_another_factor_is_not(scale: float | None) -> None:
    model, outlet = bowl(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, enabled=scale is not None)
    taps = watch(model, optimizer, outlet)
    for _ in range(3):
        optimizer.zero_grad()
        loss = model() * 3.0 if scale is None else model()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    taps.detach()

    expected = 15.0 if scale is None else 5.0
    assert list(outlet.series("lambda_max")) == [2, 3]  # the first step shows what the factor is
    assert list(outlet.series("lambda_max").values()) == pytest.approx([expected] * 2, rel=1e-5)


def test_a_step_that_is_left_out_does_not_count_as_accumulation() -> None:
    model, outlet = bowl(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)
    taps = watch(model, optimizer, outlet)
    for number in range(6):
        optimizer.zero_grad()
        model().backward()
        if number != 3:
            optimizer.step()
    taps.detach()

    assert list(outlet.series("lambda_max").values()) == pytest.approx([5.0] * 5, rel=1e-5)


def test_blocks_take_turns() -> None:
    (model, x, y), outlet = net(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.1)

    train(
        optimizer,
        lambda: (model(x) - y).square().mean(),
        watch(model, optimizer, outlet, curvature="blocks"),
        steps=4,
    )

    assert list(outlet.series("lambda_max/0")) == [1, 3]
    assert list(outlet.series("lambda_max/2")) == [2, 4]
    assert list(outlet.series("lambda_max_residual/2")) == [2, 4]
    assert outlet.series("lambda_max") == outlet.series("sharpness_ratio") == outlet.series("batch_sharpness") == {}
    assert "over one block after the other" in said(outlet)[0]


def test_of_the_last_layer_alone_a_square_loss_has_the_curvature_of_its_features() -> None:
    (model, x, y), outlet = net(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.0)

    train(optimizer, lambda: (model(x) - y).square().mean(), watch(model, optimizer, outlet, curvature="last"), steps=6)

    features = torch.cat([model[:2](x).detach(), torch.ones(8, 1)], 1)  # type: ignore[index]  # a sequence
    top = torch.linalg.eigvalsh(features.T @ features / 8)[-1]  # both outputs alike, each half of the mean
    assert outlet.series("lambda_max/2")[6] == pytest.approx(float(top), rel=1e-3)
    assert "over layer 2" in said(outlet)[0]


def test_so_many_steps_lie_between_readings() -> None:
    model, outlet = bowl(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.01)

    train(optimizer, model, watch(model, optimizer, outlet, curvature=Curvature(every=7)), steps=40)

    steps = list(outlet.series("lambda_max"))
    assert len(steps) == 6
    assert {b - a for a, b in pairwise(steps)} == {7}


def test_frozen_parameters_are_left_out() -> None:
    (model, x, y), outlet = net(), MemoryOutlet()
    model[0].requires_grad_(False)  # type: ignore[index]  # a sequence
    optimizer = SGD(model.parameters(), lr=0.0)

    train(optimizer, lambda: (model(x) - y).square().mean(), watch(model, optimizer, outlet), steps=6)

    features = torch.cat([model[:2](x).detach(), torch.ones(8, 1)], 1)  # type: ignore[index]  # a sequence
    top = torch.linalg.eigvalsh(features.T @ features / 8)[-1]
    assert outlet.series("lambda_max")[6] == pytest.approx(float(top), rel=1e-3)


def test_what_fails_is_told_once_and_training_goes_on() -> None:
    model, outlet, calls = bowl(), MemoryOutlet(), count()
    optimizer = SGD(model.parameters(), lr=0.01)

    def broken(_: nn.Module, __: object) -> Tensor:
        raise KeyError(f"no column {next(calls)}\nof many")

    taps = watch(model, optimizer, outlet, curvature=Curvature(probe=0, loss_fn=broken))
    train(optimizer, model, taps, steps=5)

    assert len(said(outlet)) == 1
    assert said(outlet)[0].startswith("curvature is not measured: 'no column 0")
    assert next(calls) == 1
    assert taps.step == 5


def test_with_several_optimizers_the_reason_is_told_and_a_batch_of_ones_own_helps() -> None:
    (model, x, y), silent, outlet = net(), MemoryOutlet(), MemoryOutlet()
    pair = [SGD(layer.parameters(), lr=0.1) for layer in (model[0], model[2])]  # type: ignore[index]  # a sequence
    plan = Curvature(probe=(x, y), loss_fn=lambda one, _: (one(x) - y).square().mean())

    for out, asked in ((silent, Curvature()), (outlet, plan)):
        taps = watch(model, pair, out, curvature=asked)
        for _ in range(2):
            model(x).square().mean().backward()
            for one in pair:
                one.step()
        taps.detach()

    assert "several optimizers step" in said(silent)[0]
    assert "watch(..., probe=batch, loss_fn=loss)" in said(silent)[0]
    assert silent.series("lambda_max") == {}
    assert len(outlet.series("lambda_max")) == 2
    assert outlet.series("sharpness_ratio") == {}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, from compiling on some Pythons
def test_of_a_compiled_function_the_reason_is_told_and_a_batch_of_ones_own_helps() -> None:
    (model, x, y), silent, outlet = net(), MemoryOutlet(), MemoryOutlet()
    compiled = torch.compile(lambda: (model(x) - y).square().mean(), backend="aot_eager")
    optimizer = SGD(model.parameters(), lr=0.1)
    plan = Curvature(probe=(x, y), loss_fn=lambda one, _: (one(x) - y).square().mean())

    for out, asked in ((silent, Curvature()), (outlet, plan)):
        taps = watch(model, optimizer, out, curvature=asked)
        train(optimizer, compiled, taps, steps=3)

    assert "part of it is compiled" in said(silent)[0]
    assert "nor can its forward pass be repeated: a part of the job is compiled" in said(silent)[0]
    assert silent.series("lambda_max") == {}
    assert len(outlet.series("lambda_max")) == 3


def test_a_function_that_drops_curvature_is_found_out_on_the_fixed_batch() -> None:
    outlet, model = MemoryOutlet(), nn.ParameterList([nn.Parameter(torch.full((3,), 2.0))])
    optimizer = SGD(model.parameters(), lr=0.0)

    def loss(one: nn.Module, _: object) -> Tensor:
        made: Tensor = Cube.apply(one[0]).sum() + 0.5 * one[0].square().sum()  # type: ignore[index, no-untyped-call]  # a list, and torch
        return made

    train(optimizer, lambda: loss(model, 0), watch(model, optimizer, outlet, probe=0, loss_fn=loss), steps=4)

    assert "second derivatives through CubeBackward are wrong" in said(outlet)[0]
    assert "finite difference" in said(outlet)[1]
    assert outlet.series("lambda_max")[4] == pytest.approx(13.0, rel=1e-3)  # 6w + 1


def test_where_memory_is_short_the_last_layer_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    (model, x, y), outlet = net(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.1)
    monkeypatch.setattr(vantage, "spare", lambda _: needed(14, COLD + 6, CPU))  # the last layer's entries

    train(optimizer, lambda: (model(x) - y).square().mean(), watch(model, optimizer, outlet), steps=4)

    assert said(outlet)[0] == "there is no memory for the curvature of the whole model: the last layer's is taken"
    assert list(outlet.series("lambda_max/2")) == [2, 3, 4]
    assert outlet.series("lambda_max") == {}


def test_where_there_is_no_memory_at_all_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    model, outlet = bowl(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.1)
    monkeypatch.setattr(vantage, "spare", lambda _: 0.0)

    train(optimizer, model, watch(model, optimizer, outlet), steps=4)

    assert said(outlet)[1:] == ["curvature is not measured: there is no memory for it"]


def test_of_several_processes_only_the_first_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    model, outlet = bowl(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.1)
    monkeypatch.setattr(vantage, "seat", lambda: Seat(1, 2))

    train(optimizer, model, watch(model, optimizer, outlet), steps=2)

    assert outlet.series("lambda_max") == {}
    assert said(outlet) == []


def test_numbers_that_are_none_are_left_out() -> None:
    model, outlet = bowl(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.0)
    numbers = iter([1.0, float("nan"), 1.0])

    train(
        optimizer,
        lambda: (model.diagonal * model.weight.square() * next(numbers)).sum(),
        watch(model, optimizer, outlet),
        steps=3,
    )

    assert list(outlet.series("lambda_max")) == [1, 3]
    assert list(outlet.series("batch_sharpness")) == [1]  # the weights are gone, and with them the gradient


def test_when_memory_runs_out_half_of_the_fixed_batch_is_taken_and_half_of_that() -> None:
    (model, x, y), outlet = net(), MemoryOutlet()
    optimizer = SGD(model.parameters(), lr=0.0)

    def loss(one: nn.Module, batch: object) -> Tensor:
        inputs, targets = batch  # type: ignore[misc]  # a pair
        if len(inputs) > 2:
            raise MemoryError
        made: Tensor = (one(inputs) - targets).square().mean()
        return made

    taps = watch(model, optimizer, outlet, probe=(x, y), loss_fn=loss)
    train(optimizer, lambda: (model(x) - y).square().mean(), taps, steps=5)

    start, batch = (
        "there is no memory for the curvature on all of the fixed batch",
        f"the fixed batch {fingerprint((x, y))}",
    )
    assert said(outlet)[:2] == [f"{start}: the first {rows} rows of {batch} are taken" for rows in (4, 2)]
    assert f"curvature is exact, on the first 2 rows of {batch}, over the whole model" in said(outlet)[2]
    assert list(outlet.series("lambda_max")) == [3, 4, 5]
