"""In a notebook a cell that is run again begins its run anew, and an exception does not end the process."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

import ergoscope
from ergoscope.lifetime.notebook import Cell, CellWatch, running_cell, running_shell
from tests.agent.fake_server import FakeServer


@dataclass
class FakeResult:
    error_in_exec: BaseException | None = None
    error_before_exec: BaseException | None = None


@dataclass
class FakeShell:
    """What a kernel's shell does as far as it matters here."""

    execution_count: int = 0
    callbacks: list[Callable[..., None]] = field(default_factory=list)
    cell_id: str = ""
    history_manager: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(input_hist_raw=[""]))

    @property
    def events(self) -> "FakeShell":
        return self

    def register(self, event: str, function: Callable[..., None]) -> None:
        assert event == "post_run_cell"
        self.callbacks.append(function)

    def unregister(self, event: str, function: Callable[..., None]) -> None:
        self.callbacks.remove(function)

    def get_parent(self) -> dict[str, dict[str, str]]:
        return {"metadata": {"cellId": self.cell_id}}

    def run(self, code: Callable[[], object], *, text: str = "", cell_id: str = "") -> object:
        self.execution_count += 1
        self.cell_id = cell_id
        self.history_manager.input_hist_raw.append(text)
        error: BaseException | None = None
        made: object = None
        try:
            made = code()
        except (Exception, KeyboardInterrupt) as raised:
            error = raised
        for callback in list(self.callbacks):
            callback(FakeResult(error_in_exec=error))
        return made


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeShell]:
    made = FakeShell()
    module = ModuleType("IPython")
    module.get_ipython = lambda: made  # type: ignore[attr-defined]  # it stands in for the real one
    monkeypatch.setitem(sys.modules, "IPython", module)
    yield made
    ergoscope.finish()


@pytest.fixture(autouse=True)
def _surroundings(surroundings: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERGOSCOPE_BASE_URL", server.url)


def test_outside_of_notebooks_there_is_no_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    assert running_cell() is None
    for broken in (None, lambda: None, lambda: 1 / 0, lambda: object()):
        module = ModuleType("IPython")
        module.get_ipython = broken  # type: ignore[attr-defined]  # it stands in for the real one
        monkeypatch.setitem(sys.modules, "IPython", module)
        assert running_shell() is None


def test_a_cell_is_known_by_its_id_and_else_by_its_text(shell: FakeShell) -> None:
    by_id = [shell.run(running_cell, text=text, cell_id="c1") for text in ("a", "b")]
    by_text = [shell.run(running_cell, text=text) for text in ("a", "a", "b")]

    assert by_id == [Cell("c1", 1), Cell("c1", 2)]
    assert by_text == [Cell("a", 3), Cell("a", 4), Cell("b", 5)]
    assert Cell("c1", 2).repeats(Cell("c1", 1))
    assert not Cell("c1", 1).repeats(Cell("c1", 1))
    assert not Cell("", 2).repeats(Cell("", 1))


def test_a_cell_that_is_run_again_ends_its_former_run_and_other_cells_do_not(
    shell: FakeShell, server: FakeServer
) -> None:
    first = shell.run(ergoscope.init, cell_id="a")
    other = shell.run(ergoscope.init, cell_id="b")
    second = shell.run(ergoscope.init, cell_id="a")
    assert isinstance(first, ergoscope.Run)
    assert isinstance(other, ergoscope.Run)
    assert isinstance(second, ergoscope.Run)

    assert [run.open for run in (first, other, second)] == [False, True, True]
    assert [ending.how for ending in server.endings] == ["finished"]
    other.finish()
    second.finish()
    assert shell.callbacks == []


def test_a_cell_that_watches_again_leaves_one_pair_of_hooks(shell: FakeShell, server: FakeServer) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    backward = torch.autograd.backward

    runs = [shell.run(lambda: ergoscope.watch(model, optimizer), cell_id="a") for _ in range(3)]

    assert len({id(run) for run in runs}) == 3
    assert len(optimizer._optimizer_step_post_hooks) == 1
    assert len(server.endings) == 2
    ergoscope.finish()
    assert torch.autograd.backward is backward


def test_two_runs_of_one_cell_stand_side_by_side(shell: FakeShell) -> None:
    def both() -> list[ergoscope.Run]:
        return [ergoscope.init(), ergoscope.init()]

    runs = shell.run(both, cell_id="a")

    assert isinstance(runs, list)
    assert all(run.open for run in runs)
    for run in runs:
        run.finish()


@pytest.mark.parametrize("error", [ValueError("no luck"), KeyboardInterrupt()])
def test_a_run_whose_last_cell_failed_has_failed_when_the_kernel_ends(
    error: BaseException, shell: FakeShell, server: FakeServer
) -> None:
    def fail() -> None:
        run.log({"x": 1.0})
        raise error

    run = shell.run(ergoscope.init, cell_id="a")
    assert isinstance(run, ergoscope.Run)
    shell.run(fail)
    shell.run(lambda: None)  # a cell that has nothing to do with it
    assert run.open
    run._exits._on_exit()  # what the interpreter calls

    assert [(e.how, e.reason.partition(":")[0]) for e in server.endings] == [("failed", type(error).__name__)]


def test_a_run_that_went_on_well_after_a_failure_is_finished(shell: FakeShell, server: FakeServer) -> None:
    def fail() -> None:
        run.log({"x": 1.0})
        raise ValueError

    run = shell.run(ergoscope.init, cell_id="a")
    assert isinstance(run, ergoscope.Run)
    shell.run(fail)
    shell.run(lambda: run.log({"x": 2.0}))
    run._exits._on_exit()

    assert [(e.how, e.reason) for e in server.endings] == [("finished", "")]


def test_what_goes_wrong_in_the_watch_is_no_trouble_of_the_notebooks(shell: FakeShell) -> None:
    def fail() -> int:
        raise RuntimeError

    watch = CellWatch(shell, note=lambda reason: None, position=fail)
    shell.run(lambda: None)
    shell.callbacks[0]()
    watch.remove()
    watch.remove()

    assert shell.callbacks == []
