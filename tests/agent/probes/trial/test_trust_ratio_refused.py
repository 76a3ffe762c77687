"""Steps that cannot be held against their own batches, and what the user is told."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import LBFGS, SGD, Optimizer

from ergoscope.curvature.passes import Pass
from ergoscope.hearing.forward import ForwardPasses
from ergoscope.probes.trial.own_batch import OwnBatch
from ergoscope.shards import Seat
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.trial.batches import Masked, batch, labels, of_classes, said, train, watch


def twice(model: nn.Module) -> Tensor:
    return of_classes(model) + of_classes(model)


def smoothed(model: nn.Module) -> Tensor:
    return F.cross_entropy(model(batch()), labels(), label_smoothing=0.1)


def penalised(model: nn.Module) -> Tensor:
    return of_classes(model) + model[0].weight.square().sum()  # type: ignore[index, union-attr]  # a sequence


def of_its_own_making(model: nn.Module) -> Tensor:
    out: Tensor = model(batch())
    return out.exp().mean()


UNLIKE = (
    "its loss is not one cross-entropy or squared error, computed by torch itself, of the model's output, and the "
    "model does not give it"
)


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (twice, "its forward pass cannot be run once more: the loss comes from several of the same model"),
        (smoothed, UNLIKE),
        (of_its_own_making, UNLIKE),
        (penalised, "a part of the loss reaches parameters by another way than the model's output"),
    ],
)
def test_a_loss_that_cannot_be_told_at_other_weights_is_said_once(
    loss: Callable[[nn.Module], Tensor], reason: str
) -> None:
    model = Masked().double()

    outlet = train(model, SGD(model.parameters(), lr=0.01), lambda: loss(model), steps=4)

    assert outlet.series("trust_ratio") == {}
    assert said(outlet) == [f"what a step does to its own batch is not measured: {reason}"]


def test_steps_of_several_backward_passes_are_no_steps_of_one_batch() -> None:
    outlet, model = MemoryOutlet(), Masked().double()
    optimizer = SGD(model.parameters(), lr=0.01)
    taps = watch(model, optimizer, outlet)
    for _ in range(4):
        of_classes(model).backward()
        of_classes(model).backward()
        optimizer.step()
    taps.detach()

    assert outlet.series("trust_ratio") == {}
    assert said(outlet) == [
        "what a step does to its own batch is not measured: steps do not follow one backward pass each"
    ]


def test_a_closure_goes_backward_within_the_step() -> None:
    outlet, model = MemoryOutlet(), Masked().double()
    optimizer = LBFGS(model.parameters(), max_iter=2)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = of_classes(model)
        loss.backward()
        return loss

    taps = watch(model, optimizer, outlet)
    for _ in range(4):
        optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    taps.detach()

    assert outlet.series("trust_ratio") == {}
    assert len(said(outlet)) == 1


def test_a_batch_that_is_written_over_is_not_run_again_and_the_next_one_is() -> None:
    outlet, model = MemoryOutlet(), Masked().double()
    optimizer = SGD(model.parameters(), lr=0.001)
    taps, inputs = watch(model, optimizer, outlet), batch()
    for step in range(2):
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), labels()).backward()
        if not step:
            inputs.normal_()
        optimizer.step()
    taps.detach()

    assert list(outlet.series("trust_ratio")) == [2]
    assert said(outlet) == []


def refusal(model: nn.Module, optimizer: Optimizer, step: Callable[[], None], *, steps: int = 4) -> list[str]:
    outlet = MemoryOutlet()
    taps = watch(model, optimizer, outlet)
    for _ in range(steps):
        step()
    assert taps.alive
    taps.detach()
    assert outlet.series("trust_ratio").keys() <= {1}
    return [text.removeprefix("what a step does to its own batch is not measured: ") for text in said(outlet)]


def test_gradients_that_are_never_cleared_are_no_gradients_of_a_batch() -> None:
    model = Masked().double()
    optimizer = SGD(model.parameters(), lr=0.01)

    def step() -> None:
        of_classes(model).backward()
        optimizer.step()

    assert refusal(model, optimizer, step) == ["gradients of earlier passes are added to a step's own"]


def test_gradients_that_are_cleared_to_zeros_are() -> None:
    model = Masked().double()
    optimizer, outlet = SGD(model.parameters(), lr=1e-5), MemoryOutlet()
    taps = watch(model, optimizer, outlet)
    for _ in range(3):
        optimizer.zero_grad(set_to_none=False)
        of_classes(model).backward()
        optimizer.step()
    taps.detach()

    assert list(outlet.series("trust_ratio").values()) == pytest.approx([1.0] * 3, abs=0.01)
    assert said(outlet) == []


@pytest.mark.parametrize("after", [False, True])
def test_a_hook_on_a_parameter_may_change_what_is_a_gradient(after: bool) -> None:
    model = Masked().double()
    optimizer = SGD(model.parameters(), lr=0.01)
    weight = model[0].weight
    if after:
        weight.register_post_accumulate_grad_hook(lambda _: None)
    else:
        weight.register_hook(lambda g: 2 * g)

    def step() -> None:
        optimizer.zero_grad()
        of_classes(model).backward()
        optimizer.step()

    assert refusal(model, optimizer, step) == ["a parameter has hooks of the job's own"]


def test_a_parameter_that_changes_within_the_pass_has_no_gradient_of_before_the_step() -> None:
    model = Masked().double()
    optimizer = SGD(model.parameters(), lr=0.01)
    node = get_gradient_edge(model[0].weight).node

    def change(*_: object) -> None:
        with torch.no_grad():
            model[0].weight.mul_(0.5)

    def step() -> None:
        optimizer.zero_grad()
        loss = of_classes(model)
        node.register_hook(change)  # on the node itself, where nobody finds it
        loss.backward()
        optimizer.step()

    assert refusal(model, optimizer, step) == ["parameters change while the backward pass runs"]


def test_where_the_backward_pass_takes_the_step_there_is_nothing_to_hold_against_it() -> None:
    model = Masked().double()
    optimizer = SGD(model.parameters(), lr=0.01)
    node = get_gradient_edge(model[3].weight).node

    def step() -> None:
        optimizer.zero_grad()
        loss = of_classes(model)
        handle = node.register_hook(lambda *_: optimizer.step() and None)
        loss.backward()
        handle.remove()

    (reason,) = refusal(model, optimizer, step, steps=5)
    assert reason in (
        "steps do not follow one backward pass each",
        "parameters change while the backward pass runs",
    )


def test_weights_beside_those_that_have_gradients_are_not_what_the_batch_speaks_of() -> None:
    model = Masked().double()
    masters = [p.detach().clone().requires_grad_() for p in model.parameters()]
    optimizer = SGD(masters, lr=0.01)

    def step() -> None:
        of_classes(model).backward()
        for master, p in zip(masters, model.parameters(), strict=True):
            master.grad, p.grad = p.grad, None
        optimizer.step()
        optimizer.zero_grad()

    assert refusal(model, optimizer, step) == [
        "the backward pass leaves no gradient in the parameters that the optimizer moves"
    ]


def test_a_loss_whose_pass_does_not_reach_the_output_has_no_slope_there() -> None:
    model = Masked().double()
    run = ForwardPasses(model)
    run.listen(lambda entry: entry)
    run.open()
    loss = of_classes(model)
    found = run.take(loss)
    assert isinstance(found, Pass)
    trained = list(model.parameters())
    batch = OwnBatch(loss, found, trained, trained)

    with pytest.raises(ValueError, match="the backward pass does not go through the model's output"):
        batch.take()
    with pytest.raises(ValueError, match="the batch is written over before the step is done"):
        found.args[0].add_(1.0)  # type: ignore[attr-defined]  # a tensor
        batch.again()


def test_processes_that_came_together_later_have_not_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Masked().double()
    optimizer = SGD(model.parameters(), lr=0.01)
    outlet = MemoryOutlet()
    taps = watch(model, optimizer, outlet)
    monkeypatch.setattr("ergoscope.probes.trial.trust_ratio.seat", lambda: Seat(0, 2))
    of_classes(model).backward()
    optimizer.step()
    taps.detach()

    assert said(outlet) == [
        "what a step does to its own batch is not measured: a step is made of the batches of 2 processes, which were "
        "not yet there at `watch`"
    ]
