"""A run whose life somebody else decides."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import ergoscope
from ergoscope.integrations.hosted import Hosted, StandIn
from ergoscope_contract.records import Run
from tests.agent.fake_server import FakeServer
from tests.agent.integrations.recorded import steps


def job() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    model = torch.nn.Linear(2, 1)
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def train(model: torch.nn.Module, optimizer: torch.optim.Optimizer, *, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(4, 2)).mean().backward()
        optimizer.step()


def leads() -> bool:
    return True


def test_a_wrong_setting_raises_when_it_is_made() -> None:
    with pytest.raises(ergoscope.SettingError, match="there is no setting 'projet'; did you mean 'project'"):
        Hosted(projet="x")  # type: ignore[call-arg]  # the mistake that is meant
    with pytest.raises(TypeError, match="config is 3; it must be a dictionary"):
        Hosted(3)


def test_what_cannot_be_opened_is_said_once_and_training_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    hosted = Hosted(dir=tmp_path / "file", silent=False)

    for _ in range(2):
        hosted.begin()
        hosted.watch(*job(), start_step=0)
        hosted.log({"x": 1.0})
        hosted.configure({"a": 1})
        hosted.finish()

    said = capfd.readouterr().err
    assert hosted.run is None
    assert said.count("nothing is recorded: SettingError: dir is ") == 1
    assert said.count("nothing is measured, and only what is logged is recorded: SettingError: dir is ") == 1


def test_what_cannot_be_opened_is_not_asked_for_at_every_row(server: FakeServer) -> None:
    hosted = Hosted(run_id="unknown", resume="must")

    for _ in range(3):
        hosted.begin()
    assert len(server.asked) == 1

    hosted.finish()
    hosted.begin()
    assert len(server.asked) == 2


def test_what_cannot_be_measured_is_still_recorded(server: FakeServer, capfd: pytest.CaptureFixture[str]) -> None:
    hosted = Hosted(silent=False)

    hosted.watch(torch.nn.Linear(1, 1), None, start_step=0)
    hosted.log({"loss": 1.0}, 3)
    hosted.finish()

    assert "nothing is measured, and only what is logged is recorded: TypeError" in capfd.readouterr().err
    assert server.points("loss") == [(3, 1.0)]


def test_a_configuration_that_is_none_is_said_and_training_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    hosted = Hosted(mode="disabled", silent=False)

    hosted.configure(3)
    hosted.begin()
    hosted.configure(3)

    assert capfd.readouterr().err.count("the configuration is not complete: TypeError: config is 3") == 1


def test_facts_that_cannot_be_had_are_said_and_training_goes_on(
    server: FakeServer, capfd: pytest.CaptureFixture[str]
) -> None:
    hosted = Hosted({"mine": 1}, silent=False)

    hosted.watch(*job(), start_step=0, config=lambda: {"a": 1 / 0})
    hosted.finish()

    assert "the configuration is not complete: ZeroDivisionError: division by zero" in capfd.readouterr().err
    assert hosted.run is not None
    assert hosted.run.config["mine"] == 1


def test_what_is_logged_under_a_measured_name_goes_beside_it(server: FakeServer) -> None:
    hosted = Hosted()
    model, optimizer = job()

    hosted.watch(model, optimizer, start_step=0)
    train(model, optimizer, steps=3)
    hosted.log({"loss": 7.0, "grad_norm/weight": 8.0, "train_loss": 9.0}, 3)
    hosted.finish()
    hosted.begin()
    hosted.log({"loss": 6.0}, 3)  # as a test after the training does
    hosted.finish()

    assert steps(server, "loss") == [1, 2, 3]
    assert server.points("logged/loss") == [(3, 7.0), (3, 6.0)]
    assert server.points("logged/grad_norm/weight") == [(3, 8.0)]
    assert server.points("train_loss") == [(3, 9.0)]


def test_a_run_goes_on_as_a_further_attempt_with_all_that_was_said(
    server: FakeServer, about: Callable[[], Run]
) -> None:
    hosted = Hosted({"mine": 1}, name="calm-otter-41")

    hosted.configure({"before": 2})
    hosted.begin()
    hosted.configure({"during": 3})
    hosted.log({"x": 1.0}, 0)
    hosted.finish()
    model, optimizer = job()
    hosted.watch(model, optimizer, start_step=5)
    train(model, optimizer, steps=2)
    hosted.finish()

    assert len({batch.run for batch in server.batches.values()}) == 1
    assert len({batch.attempt for batch in server.batches.values()}) == 2
    assert steps(server, "loss") == [6, 7]
    assert {"mine": 1, "before": 2, "during": 3}.items() <= about().config.items()
    assert about().name == "calm-otter-41"


def test_a_name_that_was_drawn_is_not_given_to_a_further_attempt(about: Callable[[], Run]) -> None:
    hosted = Hosted()

    for _ in range(2):
        hosted.begin()
        hosted.finish()

    assert "name" in about().presumed


def test_what_takes_passes_of_its_own_is_handed_on(server: FakeServer) -> None:
    hosted = Hosted(budget=1.0)
    model, optimizer = job()

    hosted.watch(model, optimizer, start_step=0, looks={"curvature": "model"})
    for _ in range(80):
        optimizer.zero_grad()
        model(torch.ones(4, 2)).square().mean().backward()
        optimizer.step()
    hosted.finish()

    assert server.points("lambda_max")


def test_a_training_from_its_first_step_is_a_run_of_its_own(server: FakeServer) -> None:
    hosted = Hosted()
    for _ in range(2):
        hosted.watch(*job(), start_step=0)
        hosted.finish()

    assert len({batch.run for batch in server.batches.values()}) == 2


def test_the_stand_in_opens_the_run_when_it_is_used_and_is_always_the_newest(server: FakeServer) -> None:
    hosted = Hosted(project="mine")
    run = StandIn(hosted, leads)

    copy.copy(run)
    assert hosted.run is None
    run.log({"x": 1.0}, 0)  # type: ignore[operator]  # it is a method of Run
    hosted.finish()
    first = hosted.run
    assert (run.project, hosted.run) == ("mine", first)  # reading opens nothing again
    run.log({"x": 2.0}, 1)  # type: ignore[operator]  # it is a method of Run
    hosted.finish()

    assert server.points("x") == [(0, 1.0), (1, 2.0)]
    assert len({batch.run for batch in server.batches.values()}) == 1


def test_the_stand_in_of_a_process_that_does_not_lead_records_nothing(server: FakeServer) -> None:
    hosted = Hosted()
    run = StandIn(hosted, lambda: False)

    run.log({"x": 1.0})  # type: ignore[operator]  # it is a method of Run

    assert hosted.run is None
    assert server.batches == {}


def test_it_travels_to_other_processes() -> None:
    there = pickle.loads(pickle.dumps(StandIn(Hosted(project="mine"), leads)))

    assert there.project == "mine"
    there.finish()


def test_the_stand_in_keeps_what_is_private() -> None:
    with pytest.raises(AttributeError, match="a run has no attribute '_feed' for others"):
        _ = StandIn(Hosted(), leads)._feed
