"""The replica of the founding paper's figure, cut short: its loss settles twice, its gradient never vanishes."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from tests.end_to_end.conftest import Service
from tests.examples.loading import load

STEPS, DROP = 8000, 4000
SETTLED = ("PLATEAU", "PLATEAU-INVARIANT", "DRIFTING")  # after the drop the weights shrink for thousands of steps


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return load("invariant_measure")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("measure"))
    try:
        yield service
    finally:
        service.close()


@pytest.fixture(scope="module")
def story(example: ModuleType, service: Service) -> object:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in service.surroundings().items():
            patch.setenv(name, value)
        return example.read(example.train(STEPS, DROP), STEPS)


def _kind(state: str) -> str:
    return "settled" if state in SETTLED else state


def test_it_descends_settles_descends_after_the_drop_and_settles(story) -> None:
    stretches = _stretches(story)

    assert [kind for kind, _ in stretches] == ["DESCENDING", "settled", "DESCENDING", "settled"]
    assert stretches[1][1][0].last <= DROP
    assert [mark.step for mark in story.verdict.marks if mark.kind == "lr"] == [DROP + 1]


def test_each_plateau_has_one_notice_that_names_its_onset(story) -> None:
    plateaus = [spell for kind, spells in _stretches(story) if kind == "settled" for spell in spells[:1]]

    notices = story.notices

    assert [(alert.rule, alert.severity) for alert in notices] == [("plateau", "info")] * 2
    assert notices[0].first_step < DROP < notices[1].first_step
    for alert, spell in zip(notices, plateaus, strict=True):
        # The onset is told when it is first seen; later looks may place it elsewhere.
        assert abs(alert.first_step - spell.first) < 1000
        assert alert.text.startswith("The loss has settled at ")
        assert f"since step {alert.first_step:,}." in alert.text
    assert [mark.step for mark in story.verdict.marks if mark.kind == "notice"] == [a.first_step for a in notices]
    assert {alert.state for alert in notices} == {"resolved"}  # the first by the drop, the second with the run


def _stretches(story):
    told = [spell for spell in story.verdict.spells if spell.state != "UNDECIDED"]
    return [(kind, list(some)) for kind, some in itertools.groupby(told, key=lambda spell: _kind(spell.state))]


def test_where_the_slope_was_read_often_enough_the_plateau_is_told_to_be_no_stationary_point(
    story, service: Service
) -> None:
    """How often it is read depends on what else the machine does; so does whether it can be told from noise."""
    squares = service.api.run(story.verdict.run).series("grad_sq_norm_debiased")
    read = _between(squares, DROP // 2, DROP - 1000)
    clear = len(read) >= 12 and read.mean() > 6 * read.std(ddof=1) / len(read) ** 0.5

    told = {spell.state for spell in story.verdict.spells}

    assert "STATIONARY-POINT" not in told
    assert "PLATEAU-INVARIANT" in told or not clear


def _between(points, first: int, last: int):
    return points.values[(points.steps > first) & (points.steps <= last)]


def test_on_the_plateau_the_whole_gradient_has_not_vanished_and_curvature_takes_back_what_it_gains(
    story, service: Service
) -> None:
    """The balance is none where steps point uphill in the mean, or too few are seen; each has its error."""
    plateau = _between(story.gradient, DROP // 2, DROP)
    errors = service.api.run(story.verdict.run).series("descent_balance_error")
    _, ours, theirs = np.intersect1d(story.balance.steps, errors.steps, return_indices=True)
    balance, error = story.balance.values[ours], errors.values[theirs]
    known = np.isfinite(balance) & np.isfinite(error)

    assert plateau.mean() > 0.15
    assert plateau.mean() > 0.3 * story.gradient.values[0]
    assert not known.any() or abs(balance[known][-1] - 1) < 4 * error[known][-1]


def test_the_drop_lowers_the_whole_gradient_and_then_it_rises_while_the_loss_stays_lower(story) -> None:
    before, after, late = (
        _between(story.gradient, *span).mean()
        for span in ((DROP // 2, DROP), (DROP + 100, DROP + 700), (STEPS - 2000, STEPS))
    )

    assert after < 0.8 * before
    assert late > 1.2 * after
    assert _between(story.loss, STEPS - 2000, STEPS).mean() < _between(story.loss, DROP // 2, DROP).mean() - 0.05


def test_the_story_is_told_and_drawn(story, example: ModuleType, tmp_path: Path, capsys) -> None:
    example.tell(story)
    example.draw(story, str(tmp_path / "measure.html"))

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == story.verdict.sentence
    assert any(f"to {DROP:,}: PLATEAU" in line for line in lines)
    assert sum(line.startswith("notice: The loss has settled at ") for line in lines) == 2
    assert "ResNet-101" in (tmp_path / "measure.html").read_text()


def test_looking_at_the_whole_gradient_leaves_the_model_as_it_is(example: ModuleType) -> None:
    torch.manual_seed(0)
    model, copy, data = example.make_model(), example.make_model(), example.make_data()
    before = {name: value.clone() for name, value in model.state_dict().items()}

    example.whole_gradient(model, copy, (data[0][:512], data[1][:512]))

    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_the_whole_gradient_is_that_of_the_mean_over_batches_with_decay(example: ModuleType) -> None:
    torch.manual_seed(0)
    model, data = torch.nn.Sequential(torch.nn.Linear(32, 10)), example.make_data()  # no batch statistics
    data = (data[0][:512], data[1][:512])

    found = example.whole_gradient(model, torch.nn.Sequential(torch.nn.Linear(32, 10)), data)

    loss = example.losses(model, data).mean() + 0.5 * example.DECAY * sum((p * p).sum() for p in model.parameters())
    loss.backward()
    assert found == pytest.approx(float(torch.nn.utils.get_total_norm([p.grad for p in model.parameters()])), rel=1e-5)
