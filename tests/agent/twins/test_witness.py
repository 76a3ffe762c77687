"""A twin is looked at without a trace in its training."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ergoscope.curvature.objective import Objective
from ergoscope.errors import SpoolError
from ergoscope.twins import witness as room
from ergoscope.twins.asked import Asked
from ergoscope.twins.record import TwinRecord, side_by_side
from ergoscope.twins.witness import Witness, bear_witness

PROBE = (torch.arange(12.0).reshape(4, 3) / 10, torch.ones(4, 1))


def _each(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square().sum(1)


def _mean(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return _each(model, batch).mean()


def _job() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    return model, torch.optim.Adam(model.parameters(), lr=0.01)


def _train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        _mean(model, PROBE).backward()
        optimizer.step()


def _asked(path: Path, every: int = 2) -> Asked:
    return Asked(1, None, every, 0, str(path))


def test_training_is_the_same_bit_for_bit(tmp_path: Path) -> None:
    plain, watched = _job(), _job()
    seen = bear_witness(*watched, Objective.of(watched[0], PROBE, _each), _asked(tmp_path / "twin.npz"), 0)

    torch.manual_seed(1)
    _train(*plain, 10)
    after = torch.get_rng_state()
    torch.manual_seed(1)
    _train(*watched, 10)

    seen.save()
    assert len(TwinRecord.load(tmp_path / "twin.npz").steps) == 5
    assert torch.equal(torch.get_rng_state(), after)
    for name, value in plain[0].state_dict().items():
        assert torch.equal(value, watched[0].state_dict()[name]), name
    for one, other in zip(plain[1].state.values(), watched[1].state.values(), strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_it_keeps_losses_and_sketches_of_the_steps_that_are_due(tmp_path: Path) -> None:
    model = nn.Linear(3, 1)
    seen = Witness(model, Objective.of(model, PROBE, _each), _asked(tmp_path / "twin.npz"), start_step=3)

    for _ in range(4):
        seen.stepped()
    seen.save()

    record = TwinRecord.load(tmp_path / "twin.npz")
    assert record.steps.tolist() == [4, 6]
    assert record.layers == ("weight", "bias")
    assert record.losses[0] == pytest.approx(_each(model, PROBE).detach().numpy())
    size = float(torch.cat([p.detach().flatten() for p in model.parameters()]).norm())
    assert np.linalg.norm(record.sketches[1]) == pytest.approx(size, rel=0.3)  # four numbers, 1,021 buckets
    assert record.layer_sketches.shape == (2, 2, 61)


def test_a_loss_for_all_is_told_and_nothing_is_raised(tmp_path: Path) -> None:
    model = nn.Linear(3, 1)
    seen = Witness(model, Objective.of(model, PROBE, _mean), _asked(tmp_path / "twin.npz", every=1))

    seen.fence.guard(seen.stepped)()

    assert seen.fence.dead
    assert "loss_fn must give the loss of each example of the probe, shape (n,)" in seen._trouble
    with pytest.raises(ValueError, match="loss_fn must give the loss of each example of the probe"):
        seen.stepped()


def test_without_a_probe_nothing_is_kept(tmp_path: Path) -> None:
    seen = Witness(nn.Linear(3, 1), None, _asked(tmp_path / "twin.npz", every=1))

    seen.stepped()
    seen.save()

    with pytest.raises(SpoolError, match=r"twin left nothing to compare; the script must call ergoscope\.watch\("):
        TwinRecord.load(tmp_path / "twin.npz")


def test_a_long_run_is_looked_at_less_often_by_all_twins_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST", 8)
    model = nn.Linear(3, 1)
    seen = Witness(model, Objective.of(model, PROBE, _each), _asked(tmp_path / "twin.npz", every=1))

    for _ in range(20):
        seen.stepped()
    seen.save()

    assert TwinRecord.load(tmp_path / "twin.npz").steps.tolist() == [4, 8, 12, 16, 20]


def test_twins_are_compared_where_both_were_looked_at() -> None:
    steps = np.array([2, 4, 6])
    looks = [np.arange(3.0)[:, None], np.arange(3.0)[:, None], np.arange(3.0)[:, None, None]]
    first = TwinRecord(steps, looks[0], looks[1], ("w",), looks[2])
    second = TwinRecord(steps * 2, looks[0], looks[1], ("w",), looks[2])

    a, b = side_by_side(first, second)

    assert a.steps.tolist() == b.steps.tolist() == [4]
    assert (a.losses[0, 0], b.losses[0, 0]) == (1.0, 0.0)
