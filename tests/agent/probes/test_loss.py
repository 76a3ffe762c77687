"""The loss is the number the user went backward from."""

import pytest
import torch
from torch import Tensor, nn

from ergoscope.findings import Findings
from ergoscope.probes.loss import LossProbe
from ergoscope.taps import attach
from tests.agent.jobs import flat_loss, mlp
from tests.agent.memory_outlet import MemoryOutlet


def quadratic() -> tuple[nn.Module, torch.optim.Optimizer]:
    """Loss w^2 / 2 from w = 1 with lr 1/4: w is (3/4)^t, exact in fp32 for a while."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    return model, torch.optim.SGD(model.parameters(), lr=0.25)


@pytest.mark.known_answer("loss")
def test_a_quadratic_reads_its_closed_form_at_every_step() -> None:
    outlet = MemoryOutlet()
    model, optimizer = quadratic()
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)

    for _ in range(6):
        optimizer.zero_grad()
        (model.weight.square() / 2).sum().backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("loss") == {t: 0.75 ** (2 * (t - 1)) / 2 for t in range(1, 7)}


def read(probe: LossProbe) -> float | None:
    reading = probe.measure()
    if reading is None:
        return None
    findings = Findings(1, {})
    reading.read([v.item() if isinstance(v, Tensor) else v for v in reading.values], findings)
    findings.settle()
    return findings.scalars["loss"]


def leaf(value: float, *shape: int) -> Tensor:
    return torch.full(shape, value, requires_grad=True)


def test_micro_batches_are_averaged() -> None:
    probe = LossProbe()

    for value in (1.0, 2.0, 6.0):
        probe.capture(leaf(value))

    assert read(probe) == 3.0
    assert read(probe) is None


def test_many_micro_batches_take_little_memory() -> None:
    probe = LossProbe()

    for value in range(1000):
        probe.capture(leaf(float(value)))

    assert len(probe._held) <= 256
    assert read(probe) == pytest.approx(499.5)


def test_roots_of_one_call_are_summed_and_those_without_a_value_left_out() -> None:
    probe = LossProbe()

    probe.capture([leaf(1.0), leaf(2.0, 1), leaf(5.0, 3)])
    probe.capture(leaf(5.0, 3))
    probe.capture([leaf(5.0, 3)])
    probe.capture(object())

    assert read(probe) == 3.0


def test_a_root_of_one_entry_in_any_shape_is_a_loss() -> None:
    probe = LossProbe()

    probe.capture(leaf(4.0, 1, 1))

    assert read(probe) == 4.0


def test_the_graph_of_the_loss_is_not_kept() -> None:
    probe = LossProbe()
    weight = leaf(2.0)

    probe.capture(weight * weight)

    assert not any(t.requires_grad for t in probe._held)


def test_later_changes_of_the_loss_in_place_are_not_seen() -> None:
    probe = LossProbe()
    loss = torch.tensor(1.0)

    probe.capture(loss)
    loss.zero_()

    assert read(probe) == 1.0


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_scaled_loss_is_divided_by_the_scale_from_the_first_step_on(accumulate: int) -> None:
    torch.manual_seed(0)
    outlet, model = MemoryOutlet(), mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    true = {}

    for number in range(1, 6):
        optimizer.zero_grad()
        losses = []
        for _ in range(accumulate):
            loss = flat_loss(model)
            losses.append(loss.item())
            scaler.scale(loss).backward()
        true[number] = sum(losses) / accumulate
        scaler.step(optimizer)
        scaler.update()
    taps.detach()

    assert scaler.get_scale() > 1024
    assert outlet.series("loss") == {n: pytest.approx(v, rel=1e-6) for n, v in true.items()}


def test_a_loss_with_a_constant_factor_is_left_as_it_is() -> None:
    outlet, (model, optimizer) = MemoryOutlet(), quadratic()
    taps = attach(model, optimizer, outlet, clock=lambda: 0.0)
    half = torch.tensor(0.5)

    (model.weight.square().sum() * half).backward()
    optimizer.step()
    taps.detach()

    assert outlet.series("loss") == {1: 0.5}
