"""A loop prepared by Accelerate, watched and not."""

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # as everybody calls it
from torch.utils.data import DataLoader, TensorDataset

import ergoscope
from ergoscope_contract.records import Run
from tests.agent.fake_server import FakeServer
from tests.agent.integrations.recorded import steps, values
from tests.agent.jobs import everything, mlp

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("accelerate", reason="Accelerate is not installed: ergoscope[accelerate]")
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, GradientState, PartialState

    from ergoscope.integrations.accelerate import ErgoscopeTracker, watch

pytestmark = pytest.mark.filterwarnings("ignore")  # Accelerate gives advice by warnings


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Accelerate keeps its state in singletons; each test begins without."""
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


def trained(
    accelerator: Accelerator, begin: Callable[..., object] | None = None, *, fails_at: int = -1
) -> list[Tensor]:
    """Ten optimizer steps; `begin` is given the accelerator and what it prepared."""
    torch.manual_seed(3)
    count = 160 * accelerator.gradient_accumulation_steps
    data = TensorDataset(torch.randn(count, 8), torch.randint(0, 4, (count,)))
    net = mlp()
    adam = torch.optim.AdamW(net.parameters(), lr=1e-2)
    model, optimizer, loader = accelerator.prepare(net, adam, DataLoader(data, batch_size=16, shuffle=True))
    if begin is not None:
        begin(accelerator, model, optimizer)
    for number, (x, y) in enumerate(loader):
        if number == fails_at:
            raise RuntimeError("no luck")
        with accelerator.accumulate(model):
            loss = F.cross_entropy(model(x), y)
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
        accelerator.log({"batch_loss": loss.item()}, step=number)
    accelerator.end_training()
    return everything(net, [adam])


LOOPS = {"plain": {}, "accumulated": {"gradient_accumulation_steps": 3}, "in bf16": {"mixed_precision": "bf16"}}


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_is_the_same_to_the_last_bit(loop: str, server: FakeServer) -> None:
    alone = trained(Accelerator(cpu=True, **LOOPS[loop]))
    accelerator = Accelerator(cpu=True, log_with=ErgoscopeTracker("mine"), **LOOPS[loop])
    accelerator.init_trackers("mine")
    watched = trained(accelerator, watch)

    assert len(watched) == len(alone)
    assert all(torch.equal(a, b) for a, b in zip(watched, alone, strict=True))
    assert steps(server, "loss") == list(range(1, 11))


@pytest.mark.parametrize("by_name", [True, False])
def test_rows_losses_and_configuration_are_one_run(by_name: bool, server: FakeServer, about: Callable[[], Run]) -> None:
    if by_name:
        pytest.importorskip("accelerate", minversion="1.15", reason="this Accelerate registers no trackers")
    accelerator = Accelerator(cpu=True, log_with="ergoscope" if by_name else ErgoscopeTracker("mine", tags=["a"]))
    accelerator.init_trackers("mine", config={"lr": 0.01}, init_kwargs={"ergoscope": {"tags": ["a"]}})
    trained(accelerator, watch)

    assert len({(batch.run, batch.attempt) for batch in server.batches.values()}) == 1
    assert steps(server, "loss") == list(range(1, 11))
    assert steps(server, "batch_loss") == list(range(10))
    assert values(server, "loss") == pytest.approx(values(server, "batch_loss"))
    assert [ending.how for ending in server.endings] == ["finished"]
    assert (about().project, about().tags, about().config["lr"]) == ("mine", ["a"], 0.01)
    assert "AdamW" in str(about().config["optimizers"])


def test_the_tracker_alone_records_what_is_logged(server: FakeServer, about: Callable[[], Run]) -> None:
    accelerator = Accelerator(cpu=True, log_with=ErgoscopeTracker(project="mine"))
    accelerator.init_trackers("ignored", config={"lr": 0.01})
    trained(accelerator)

    run = accelerator.get_tracker("ergoscope", unwrap=True)
    assert server.points("loss") == []
    assert steps(server, "batch_loss") == list(range(10))
    assert [ending.how for ending in server.endings] == ["finished"]
    assert (about().project, about().id, about().config["lr"]) == ("mine", run.id, 0.01)


def test_rows_before_the_watching_are_of_the_same_run(server: FakeServer) -> None:
    accelerator = Accelerator(cpu=True, log_with=ErgoscopeTracker())
    accelerator.init_trackers("mine")
    held = accelerator.get_tracker("ergoscope", unwrap=True)
    held.log({"early": 1.0}, step=0)
    trained(accelerator, watch)

    assert server.points("early") == [(0, 1.0)]
    assert steps(server, "loss") == list(range(1, 11))
    assert len({batch.run for batch in server.batches.values()}) == 1


def test_without_a_tracker_it_is_a_run_of_its_own(server: FakeServer) -> None:
    runs = []
    trained(Accelerator(cpu=True), lambda *job: runs.append(watch(*job, project="mine", start_step=5)))
    runs[0].finish()

    assert steps(server, "loss") == list(range(6, 16))
    assert {batch.run for batch in server.batches.values()} == {runs[0].id}


def test_prepared_models_and_optimizers_can_be_watched_plainly(server: FakeServer) -> None:
    trained(Accelerator(cpu=True), lambda _, model, optimizer: ergoscope.watch(model, optimizer))
    ergoscope.finish()

    assert steps(server, "loss") == list(range(1, 11))
    assert server.points("weight_norm/0.weight")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the main process; there `init_trackers` does nothing, so these tests do not call it."""
    monkeypatch.setattr(PartialState, "is_main_process", False)


@pytest.mark.usefixtures("elsewhere")
def test_other_processes_leave_the_rows_to_the_main_one(server: FakeServer) -> None:
    tracker = ErgoscopeTracker()

    tracker.log({"x": 1.0}, step=0)
    tracker.tracker.log({"x": 1.0}, step=0)

    assert tracker.hosted.run is None
    assert server.batches == {}


@pytest.mark.usefixtures("elsewhere")
def test_other_processes_measure_their_part(server: FakeServer) -> None:
    tracker = ErgoscopeTracker("mine")

    trained(Accelerator(cpu=True, log_with=tracker), watch)
    tracker.finish()

    assert steps(server, "loss") == list(range(1, 11))
    assert {batch.about.project for batch in server.batches.values() if batch.about} == {"mine"}


@pytest.mark.usefixtures("elsewhere")
def test_other_processes_of_a_tracker_by_name_do_not_know_its_project_and_measure_nothing(server: FakeServer) -> None:
    pytest.importorskip("accelerate", minversion="1.15", reason="this Accelerate registers no trackers")
    runs: list[object] = []

    trained(Accelerator(cpu=True, log_with="ergoscope"), lambda *job: runs.append(watch(*job)))

    assert runs == [None]
    assert server.batches == {}


PAIR = """
import torch
from accelerate import Accelerator
from ergoscope.integrations.accelerate import ErgoscopeTracker, watch

torch.set_num_threads(1)
accelerator = Accelerator(cpu=True, log_with=ErgoscopeTracker("mine"))
accelerator.init_trackers("mine", config={"lr": 0.1})
model = torch.nn.Linear(4, 1)
model, optimizer = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1))
watch(accelerator, model, optimizer)
for number in range(5):
    accelerator.backward(model(torch.ones(2, 4)).square().mean())
    optimizer.step()
    optimizer.zero_grad()
    accelerator.log({"mine": 1.0}, step=number)
accelerator.end_training()
"""


def test_two_processes_are_one_run(server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "pair.py").write_text(PAIR)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "pair.py"]

    done = subprocess.run(launch, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert len({(batch.run, batch.attempt) for batch in server.batches.values()}) == 1
    assert {batch.rank for batch in server.batches.values()} == {0, 1}
    assert steps(server, "mine") == list(range(5))
    assert steps(server, "loss") == sorted(2 * [1, 2, 3, 4, 5])
    assert [ending.how for ending in server.endings] == ["finished", "finished"]


def test_an_exception_ends_the_run_as_failed(
    server: FakeServer, script: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    code = (
        "from accelerate import Accelerator\n"
        "from ergoscope.integrations.accelerate import ErgoscopeTracker\n"
        "accelerator = Accelerator(cpu=True, log_with=ErgoscopeTracker('mine'))\n"
        "accelerator.init_trackers('mine')\n"
        "accelerator.log({'x': 1.0}, step=0)\n"
        "raise RuntimeError('no luck')"
    )

    script(code)

    assert [(ending.how, ending.reason) for ending in server.endings] == [("failed", "RuntimeError: no luck")]


def test_a_wrong_setting_raises_before_training() -> None:
    with pytest.raises(ergoscope.SettingError, match="there is no setting 'projet'; did you mean 'project'"):
        ErgoscopeTracker(projet="x")
    with pytest.raises(ergoscope.SettingError, match="there is no setting 'projet'; did you mean 'project'"):
        trained(Accelerator(cpu=True, log_with=ErgoscopeTracker()), lambda *job: watch(*job, projet="x"))


def test_what_cannot_be_watched_raises_where_no_tracker_is() -> None:
    accelerator = Accelerator(cpu=True)

    with pytest.raises(TypeError, match=r"model is a NoneType; it must be a torch\.nn\.Module"):
        watch(accelerator, None, [])
    with pytest.raises(ValueError, match="optimizer is an empty list"):
        watch(accelerator, mlp(), [])


def test_watching_before_the_trackers_are_there_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ERGOSCOPE_SILENT")
    accelerator = Accelerator(log_with="ergoscope")
    model = mlp()

    run = watch(accelerator, model, torch.optim.SGD(model.parameters(), lr=0.1))

    assert run is None
    assert "watch() came before accelerator.init_trackers(); call that first" in capsys.readouterr().err
