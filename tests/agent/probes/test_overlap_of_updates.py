"""How much of the last update lies in the steepest directions, through the whole agent, and what that keeps."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from ergoscope.curvature import last_step
from ergoscope.curvature.overlap import chance_overlap
from ergoscope.lineup import SPECTRUM
from tests.agent.memory_outlet import MemoryOutlet
from tests.agent.probes.looks import Bowl, watch
from tests.agent.probes.spectra import Job, Valley, latest

STEEP = np.concatenate([[20.0, 14.0, 9.0], np.linspace(-1.0, 1.0, 57)])
LOOKS = 25  # of a reading on a fixed batch
UPDATE = "top_subspace_overlap_update"
ABSENT = "the share of the last update in the steepest directions is absent"


def stepped(model: Bowl, moves: Callable[[], Tensor], *, fixed: bool, steps: int, due: int = 1) -> MemoryOutlet:
    """A job that moves by what it is told, whatever its loss is."""
    outlet, optimizer = MemoryOutlet(), SGD(model.parameters(), lr=1.0)
    batch = {"probe": 0, "loss_fn": lambda one, _: one()} if fixed else {}
    taps = watch(model, optimizer, outlet, tasks=(SPECTRUM,), due=due, **batch)  # type: ignore[arg-type]  # as named
    for _ in range(steps):
        optimizer.zero_grad()
        model().backward()
        model.weight.grad = -moves()
        optimizer.step()
    assert taps.alive
    taps.detach()
    return outlet


@pytest.mark.known_answer("top_subspace_overlap_update")
@pytest.mark.parametrize(("fixed", "due", "steps"), [(True, 1, LOOKS + 1), (True, 3, 3 * LOOKS + 1), (False, 2, 13)])
def test_of_a_quadratic_the_updates_share_is_that_of_the_step_right_before(fixed: bool, due: int, steps: int) -> None:
    model, number = Bowl(torch.from_numpy(STEEP).float()), iter(range(steps))
    move = torch.full((60,), 1e-3)
    move[:3] = torch.tensor([3e-3, 2e-3, 5e-3])

    def moves() -> Tensor:
        # With a fixed batch that is looked at at every third step only the third counts, on the own batch of every
        # second the first.
        return move if (next(number) + (1 if fixed else 2)) % due == 0 else move.flip(0)

    outlet = stepped(model, moves, fixed=fixed, steps=steps, due=due)

    count = int(latest(outlet, "top_subspace_size"))
    order = torch.from_numpy(STEEP).argsort(descending=True)[:count]
    share = float(move[order].square().sum() / move.square().sum())
    # Weights near 1 in fp32 round a move of .001 by up to 6e-5 of it, its square by twice that.
    assert latest(outlet, UPDATE) == pytest.approx(share, rel=1.2e-4)
    assert latest(outlet, "top_subspace_overlap_update_error") < 1e-4


def test_steps_at_random_share_what_chance_gives() -> None:
    draws = torch.Generator().manual_seed(0)

    outlet = stepped(
        Bowl(torch.from_numpy(STEEP).float()),
        lambda: 1e-4 * torch.randn(60, generator=draws),
        fixed=True,
        steps=8 * LOOKS + 1,
    )

    each = "top_subspace_size", "top_subspace_overlap_update"
    sizes, found = (list(outlet.series(key).values())[::5] for key in each)  # those that share no draws
    chances = [chance_overlap(int(size), 60) for size in sizes]
    error = sum(spread**2 / 5 for _, spread in chances) ** 0.5 / len(found)  # of five draws each
    assert len(found) == 8
    assert abs(np.mean(found) - np.mean([mean for mean, _ in chances])) < 4 * error


@pytest.mark.known_answer("top_subspace_overlap_update_error")
def test_the_updates_error_is_the_standard_error_over_draws_after_known_steps() -> None:
    """On the training's own batch a draw takes one step; the first draw of all has no step before it."""
    model, shares = Valley(STEEP, dtype=torch.float64), []
    pulls = iter(torch.randn(10, 60, generator=torch.Generator().manual_seed(0), dtype=torch.float64))

    def loss() -> Tensor:
        pull = next(pulls)
        shares.append(float(pull[:1].square().sum() / pull.square().sum()))
        level = pull - model.matrix * model.weight.detach()  # with it the slope here is the pull
        out: Tensor = model() + (level * model.weight).sum()
        return out

    job = Job(model, loss, SGD(model.parameters(), lr=1e-3))
    job.probe._classes = lambda: 1
    found, errors = (job.until(6).series(key) for key in (UPDATE, f"{UPDATE}_error"))

    for reading, of in zip((5, 10), (shares[:4], shares[4:9]), strict=True):
        assert found[reading] == pytest.approx(np.mean(of), rel=1e-4)
        assert errors[reading] == pytest.approx(np.std(of, ddof=1) / len(of) ** 0.5, rel=1e-3)


@pytest.mark.parametrize("fixed", [True, False])
def test_the_weights_are_copied_only_for_the_look_that_needs_them(fixed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[int] = []
    begin = last_step.LastStep.begin

    def counted(last: last_step.LastStep, parameters: Sequence[Tensor]) -> bool:
        copies.append(len(parameters))
        return begin(last, parameters)

    monkeypatch.setattr(last_step.LastStep, "begin", counted)
    steps = 2 * LOOKS if fixed else 10
    model = Bowl(torch.from_numpy(STEEP).float())

    stepped(model, lambda: torch.full((60,), 1e-4), fixed=fixed, steps=steps, due=2)

    assert len(copies) == steps // 2 // 5 if fixed else steps // 2 - 1  # the first look shows what to copy


def test_without_room_for_a_copy_of_the_weights_it_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_step, "lasting", lambda *_: False)

    outlet = stepped(
        Bowl(torch.from_numpy(STEEP).float()), lambda: torch.full((60,), 1e-4), fixed=True, steps=LOOKS + 1
    )

    assert outlet.series(UPDATE) == {}
    assert outlet.series("top_subspace_overlap") != {}
    (told,) = [event for event in outlet.events("agent") if "last update" in event.text]
    assert told.text == f"{ABSENT}: there is no memory for a copy of the weights"
    assert told.data == {"absent": True, "quantities": [UPDATE, f"{UPDATE}_error"]}


def test_of_several_optimizers_no_update_is_the_last() -> None:
    model, outlet = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)), MemoryOutlet()
    optimizers = [SGD(layer.parameters(), lr=1e-3) for layer in (model[0], model[2])]
    points = torch.randn(9, 3)

    def loss(one: nn.Module, _: object) -> Tensor:
        out: Tensor = one(points).square().mean()
        return out

    taps = watch(model, optimizers, outlet, probe=0, loss_fn=loss, tasks=(SPECTRUM,))
    for _ in range(LOOKS + 1):
        model.zero_grad()
        loss(model, 0).backward()
        for optimizer in optimizers:
            optimizer.step()
    taps.detach()

    assert outlet.series("hess_trace") != {}
    assert outlet.series(UPDATE) == {}
    told = [event.text for event in outlet.events("agent") if "last update" in event.text]
    assert told == [f"{ABSENT}: several optimizers step"]
