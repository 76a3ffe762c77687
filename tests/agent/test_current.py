"""The verbs of a training script."""

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import torch

import ergoscope
from ergoscope.current import newest
from ergoscope.monitor import Monitor
from ergoscope.probes.vantage.vantage import Vantage
from ergoscope_contract.records import Fork
from tests.agent.fake_server import FakeServer


@pytest.fixture(autouse=True)
def _surroundings(surroundings: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERGOSCOPE_BASE_URL", server.url)


def test_importing_needs_neither_torch_nor_numpy() -> None:
    code = "import sys, ergoscope; print(sorted({'torch', 'numpy', 'urllib3', 'rich'} & set(sys.modules)))"

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "[]"


def test_watching_without_torch_says_how_to_install_it() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import ergoscope\n"
        "try: ergoscope.watch(None, None)\n"
        "except ergoscope.MissingTorchError as error: print(error)"
    )

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.startswith("watch() measures a PyTorch model, but torch cannot be imported (")
    assert "pip install 'ergoscope[agent]'" in out.stdout


def test_a_name_that_is_not_there_says_what_is() -> None:
    with pytest.raises(AttributeError, match=r"module 'ergoscope' has no attribute 'wach'; it has: .*watch"):
        ergoscope.wach  # noqa: B018  # the mistake that is meant


def test_every_public_name_is_there() -> None:
    assert all(getattr(ergoscope, name) is not None for name in ergoscope.__all__)
    assert dir(ergoscope) == ergoscope.__all__


def test_what_measures_is_let_go_with_the_end_of_the_run() -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    others = [one for one in gc.get_objects() if type(one) in (Monitor, Vantage)]  # held, so that no id comes twice
    known = {id(one) for one in others}
    run = ergoscope.watch(model, optimizer, curvature="model")
    model(torch.ones(4, 2)).square().mean().backward()
    optimizer.step()
    made = [one for one in gc.get_objects() if type(one) in (Monitor, Vantage) and id(one) not in known]
    kept = [weakref.ref(one) for one in made]

    made.clear()
    run.finish()
    gc.collect()

    assert len(kept) == 2
    assert [one() for one in kept] == [None, None]


def test_a_watched_run_counts_the_optimizers_steps_and_knows_its_hyper_parameters(server: FakeServer) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.25)
    run = ergoscope.watch(model, optimizer, config={"mine": 1})
    for _ in range(3):
        model(torch.ones(4, 2)).mean().backward()
        optimizer.step()
        run.log({"own": 1.0})
    run.finish()

    assert [step for step, _ in server.points("own")] == [1, 2, 3]
    about = server.batches[min(server.batches)].about
    assert about
    assert about.config["mine"] == 1
    assert "0.25" in str(about.config)


def test_a_probe_batch_is_run_by_the_loss_that_comes_with_it(server: FakeServer) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.25)

    def loss(net: torch.nn.Module, batch: tuple[torch.Tensor, float]) -> torch.Tensor:
        return (net(batch[0])[:, 0] - batch[1]).square()  # type: ignore[no-any-return]  # a tensor

    run = ergoscope.watch(model, optimizer, probe=(torch.randn(8, 2), 1.0), loss_fn=loss)
    for _ in range(12):
        model(torch.ones(4, 2)).mean().backward()
        optimizer.step()
    run.finish()

    assert [step for step, _ in server.points("opposing_share")] == [10, 11]


def test_what_is_logged_under_a_measured_name_is_kept_beside_it_and_said_once(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ERGOSCOPE_SILENT", "0")
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    with ergoscope.watch(model, optimizer) as run:
        for step in range(3):
            loss = model(torch.ones(2, 3)).square().mean()
            loss.backward()
            optimizer.step()
            run.log({"loss": 7.0, "val": {"loss": 8.0}}, step=step)
        run.log({"loss": 9.0, "lr": 0.5, "loss/train": 1.0})

    assert [step for step, _ in server.points("loss")] == [1, 2, 3]
    assert server.points("logged/loss") == [(0, 7.0), (1, 7.0), (2, 7.0), (3, 9.0)]
    assert (server.points("logged/lr"), server.points("loss/train")) == ([(3, 0.5)], [(3, 1.0)])
    assert server.points("val/loss") == [(0, 8.0), (1, 8.0), (2, 8.0)]
    said = [line for line in capfd.readouterr().err.splitlines() if "logged/" in line]
    assert said == [
        "ergoscope: loss is measured in this run; what you log under that name is kept as logged/loss, so that the two "
        "stay apart (said once, also holds for other measured names)"
    ]


def test_without_watching_every_name_is_the_users(server: FakeServer) -> None:
    with ergoscope.init() as run:
        run.log({"loss": 7.0, "grad_norm": 8.0}, step=1)

    assert (server.points("loss"), server.points("grad_norm")) == ([(1, 7.0)], [(1, 8.0)])


@pytest.mark.parametrize("wrong", [None, "model"])
def test_what_cannot_be_watched_raises_and_leaves_nothing_behind(wrong: object, surroundings: Path) -> None:
    optimizer = torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), lr=0.1)

    with pytest.raises(TypeError, match=r"must be a torch\.nn\.Module"):
        ergoscope.watch(wrong, optimizer)  # type: ignore[arg-type]  # the mistake that is meant

    assert list(surroundings.glob("spool/*")) == []
    assert newest() is None


def test_watching_nothing_when_disabled_needs_nothing() -> None:
    run = ergoscope.watch(torch.nn.Linear(1, 1), [], mode="disabled")

    assert run.folder is None
    run.finish()


def test_a_setting_that_is_not_known_raises_before_training() -> None:
    with pytest.raises(ergoscope.SettingError, match="there is no setting 'projet'; did you mean 'project'"):
        ergoscope.init(projet="x")  # type: ignore[call-arg]  # the mistake that is meant


def test_a_folder_that_cannot_be_made_raises_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ergoscope.SettingError, match=r"dir is '.*file', and .* cannot be made: Not a directory"):
        ergoscope.init(dir=tmp_path / "file")


def test_a_second_run_of_one_id_in_one_millisecond_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 5.0)
    first = ergoscope.init(run_id="same", mode="offline")

    with pytest.raises(ergoscope.SettingError, match="exists: another process records this run and rank; give each"):
        ergoscope.init(run_id="same", mode="offline")
    first.finish()


def test_logging_outside_a_run_says_so_once(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import ergoscope\nfor _ in range(3): ergoscope.log({'x': 1})\nergoscope.alert('x')\nergoscope.finish()"
    monkeypatch.delenv("ERGOSCOPE_SILENT")

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stderr.count("log() was called outside a run; call ergoscope.init() or ergoscope.watch() first") == 1


def test_a_run_that_must_exist_or_must_not_is_asked_for(server: FakeServer) -> None:
    summary = {"id": "known", "project": "p", "name": "n", "status": "finished", "created": 1, "last_seen": 1}
    server.pages = {"/api/v1/runs/known": summary}

    with pytest.raises(ergoscope.SettingError, match="resume is 'must', but the server knows no run 'new'"):
        ergoscope.init(run_id="new", resume="must")
    with pytest.raises(ergoscope.SettingError, match="resume is 'never', but run 'known' exists"):
        ergoscope.init(run_id="known", resume="never")
    ergoscope.init(run_id="known", resume="must").finish()
    ergoscope.init(run_id="new", resume="never").finish()

    assert {key[0] for key in server.batches} == {"known", "new"}


@pytest.mark.parametrize("resume", ["must", "never"])
def test_without_a_server_to_ask_the_run_begins(resume: str, surroundings: Path) -> None:
    run = ergoscope.init(run_id="x", resume=resume, base_url="http://127.0.0.1:9", give_up_s=0.0)  # type: ignore[arg-type]  # a literal
    run.finish()

    assert run.folder


def test_a_run_that_goes_on_keeps_its_name_and_is_a_new_attempt(server: FakeServer) -> None:
    for _ in range(2):
        ergoscope.init(run_id="again").finish()

    abouts = [batch.about for batch in server.batches.values() if batch.about]
    assert len({about.name for about in abouts}) == 1
    assert len({key[1] for key in server.batches}) == 2


@pytest.mark.parametrize(
    ("given", "presumed"),
    [({}, ["project", "name"]), ({"name": "n"}, ["project"]), ({"name": "n", "project": "p"}, [])],
)
def test_a_run_says_what_of_its_name_and_project_nobody_gave(
    given: dict[str, str], presumed: list[str], server: FakeServer
) -> None:
    ergoscope.init(run_id="again", **given).finish()  # type: ignore[arg-type]  # names

    assert [batch.about.presumed for batch in server.batches.values() if batch.about] == [presumed]


@pytest.mark.parametrize("place", ["p@40", "p?_step=40"])
def test_a_fork_says_where_it_comes_from_and_counts_on_from_there(place: str, server: FakeServer) -> None:
    run = ergoscope.init(fork_from=place)
    run.log({"x": 1.0})
    run.log({"x": 2.0}, step=50)
    run.finish()

    assert [batch.about.fork for batch in server.batches.values() if batch.about] == [Fork("p", 40)]
    assert server.points("x", run=run.id) == [(41, 1.0), (50, 2.0)]


@pytest.mark.parametrize(("given", "step"), [(None, 41), (0, 1), (10, 11)])
def test_a_watched_fork_begins_at_its_step_unless_told_otherwise(
    given: int | None, step: int, server: FakeServer
) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    run = ergoscope.watch(model, optimizer, fork_from="p@40", start_step=given)
    model(torch.ones(4, 2)).mean().backward()
    optimizer.step()
    run.finish()

    assert [point[0] for point in server.points("loss", run=run.id)] == [step]


def test_the_same_model_and_optimizer_are_watched_once_and_anew_after_the_end(server: FakeServer) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    first = ergoscope.watch(model, optimizer, config={"a": 1})
    again = ergoscope.watch(model, [optimizer], config={"b": 2})
    hooks = len(optimizer._optimizer_step_post_hooks)
    other = ergoscope.watch(torch.nn.Linear(2, 1), optimizer)
    other.finish()
    first.finish()
    anew = ergoscope.watch(model, optimizer)
    model(torch.ones(4, 2)).mean().backward()
    optimizer.step()
    anew.finish()

    assert again is first
    assert hooks == 1
    assert (first.config["a"], first.config["b"]) == (1, 2)
    assert len({first.id, other.id, anew.id}) == 3
    assert len(optimizer._optimizer_step_post_hooks) == 0
    assert [step for step, _ in server.points("loss", run=anew.id)] == [1]
    assert server.points("loss", run=first.id) == []


def test_a_run_that_goes_on_earlier_than_it_ended_sends_both_lives(server: FakeServer) -> None:
    for steps in (range(10), range(5, 12)):
        run = ergoscope.init(run_id="again")
        for step in steps:
            run.log({"x": float(step)}, step=step)
        run.finish()

    attempts = sorted({key[1] for key in server.batches})
    assert len(attempts) == 2
    assert [step for step, _ in server.points("x")] == [*range(10), *range(5, 12)]
