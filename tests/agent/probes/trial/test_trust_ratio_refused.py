"""Steps that cannot be held against their own batches, and what the user is told."""

from collections.abc import Callable

import pytest
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.optim import LBFGS, SGD

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
