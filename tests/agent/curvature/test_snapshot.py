"""Visits to where a model was leave no trace where it is."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

from ergoscope.curvature.objective import Objective
from ergoscope.curvature.snapshot import Snapshot
from tests.agent.jobs import conv, everything, image_batch, same_bits, seed

IMAGES = torch.linspace(-1, 1, 6 * 64).view(6, 1, 8, 8)
SEED = 0


def spread_of(model: nn.Module, batch: object) -> Tensor:
    return model(batch).flatten(1).var(1)  # type: ignore[no-any-return]  # a tensor


def objective_of(model: nn.Module) -> Objective:
    made = Objective.of(model, IMAGES, spread_of)
    assert made is not None
    return made


def trained(visit: Callable[[Snapshot], None] | None) -> list[Tensor]:
    seed(0)
    model = conv()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    snapshot = None
    for number in range(10):
        x, y = image_batch()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        if snapshot is not None and visit is not None:
            visit(snapshot)  # while the graph is held
        loss.backward()
        optimizer.step()
        if number == 2:
            snapshot = Snapshot(objective_of(model), list(model.parameters()))
    return everything(model, [optimizer])


def axis_of(snapshot: Snapshot) -> Tensor:
    return torch.ones(sum(p.numel() for p in snapshot.parameters))


def looking(snapshot: Snapshot) -> None:
    with snapshot.visited():
        snapshot.move([axis_of(snapshot)], [0.3])
        snapshot.loss(seed=SEED)
        snapshot.loss(seed=SEED, running=True)


def failing(snapshot: Snapshot) -> None:
    with pytest.raises(ValueError, match="midway"), snapshot.visited():
        snapshot.move([axis_of(snapshot)], [0.3])
        snapshot.loss(seed=SEED)
        raise ValueError("midway")


def interrupted(snapshot: Snapshot) -> None:
    with pytest.raises(KeyboardInterrupt), snapshot.visited():
        snapshot.move([axis_of(snapshot)], [float("nan")])
        raise KeyboardInterrupt


@pytest.mark.parametrize("visit", [looking, failing, interrupted])
def test_training_with_visits_at_every_step_is_the_same(visit: Callable[[Snapshot], None]) -> None:
    assert same_bits(trained(visit), trained(None))


def test_it_is_where_it_was_however_far_the_training_has_gone() -> None:
    model = conv()
    snapshot = Snapshot(objective_of(model), list(model.parameters()))
    with snapshot.visited():
        before = [float(snapshot.loss(seed=SEED, running=running)) for running in (False, True)]

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        x, y = image_batch()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    with snapshot.visited():
        after = [float(snapshot.loss(seed=SEED, running=running)) for running in (False, True)]

    assert after == before
    assert before[0] != before[1]


def test_the_losses_are_those_of_the_model_itself() -> None:
    model = conv()
    model.get_submodule("3").eval()  # the dropout
    snapshot = Snapshot(objective_of(model), list(model.parameters()))
    with snapshot.visited():
        found = [float(snapshot.loss(seed=SEED, running=running)) for running in (False, True)]

    with torch.no_grad():
        running = float(spread_of(deepcopy(model).eval(), IMAGES).double().mean())
        batch = float(spread_of(model, IMAGES).double().mean())
    assert found == pytest.approx([batch, running], rel=1e-6)


def test_all_points_have_the_same_masks() -> None:
    weight = nn.Parameter(torch.ones(64, dtype=torch.float64))
    dropout = nn.Dropout(0.5)
    dropout.register_parameter("weight", weight)
    objective = Objective(dropout, lambda model: model(weight).sum())  # with one mask a straight line
    snapshot = Snapshot(objective, [weight])
    axis = torch.ones(64, dtype=torch.float64) / 8

    found = []
    with snapshot.visited():
        for offset in (-1.0, 0.0, 1.0):
            snapshot.move([axis], [offset])
            found.append(float(snapshot.loss(seed=SEED)))

    assert 0 < found[0] < 2 * 64
    assert found[2] - found[1] == pytest.approx(found[1] - found[0], rel=1e-12)


@pytest.mark.parametrize(
    ("layers", "normalises"),
    [
        ([nn.Linear(4, 4)], False),
        ([nn.BatchNorm1d(4)], True),
        ([nn.BatchNorm1d(4).eval()], False),
        ([nn.BatchNorm1d(4, track_running_stats=False)], False),
        ([nn.BatchNorm1d(4).eval(), nn.BatchNorm1d(4)], True),
        ([nn.LayerNorm(4)], False),
    ],
)
def test_two_modes_there_are_where_layers_use_the_batchs_statistics_and_keep_running_ones(
    layers: list[nn.Module], normalises: bool
) -> None:
    model = nn.Sequential(nn.Linear(4, 4), *layers)

    assert Snapshot(objective_of(model), list(model.parameters())).normalises == normalises


def test_half_precision_is_rounded_once() -> None:
    weight = nn.Parameter(torch.tensor([1.0, 256.0], dtype=torch.bfloat16))
    snapshot = Snapshot(Objective(nn.ParameterList([weight]), lambda _: weight.sum()), [weight])
    axes = [torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1.0])]

    with snapshot.visited():
        snapshot.move(axes, [0.75, 0.75])
        there = weight.tolist()

    assert there == [1.0, 258.0]  # 257.5; each of the two alone would be lost
    assert weight.tolist() == [1.0, 256.0]


def test_a_buffer_that_has_another_size_by_now_is_a_cache_and_left_alone() -> None:
    model = nn.Linear(2, 2)
    model.register_buffer("cache", torch.zeros(3))
    snapshot = Snapshot(Objective(model, lambda m: m.get_buffer("cache").sum()), list(model.parameters()))
    model.register_buffer("cache", torch.ones(5))

    with snapshot.visited():
        found = float(snapshot.loss(seed=SEED))

    assert found == 5.0
