"""How processes find out which run they share."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ergoscope import ranks
from ergoscope.opening import open_run
from ergoscope.ranks import Place, agree, find_place
from ergoscope.settings import Settings

TORCHRUN = {
    "RANK": "1",
    "WORLD_SIZE": "2",
    "LOCAL_WORLD_SIZE": "2",
    "TORCHELASTIC_RUN_ID": "none",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}
OPENS = (
    "import sys; from ergoscope.opening import open_run; from ergoscope.settings import Settings\n"
    "run = open_run(Settings.read({}, mode='offline', dir=sys.argv[1], silent=True))\n"
    "print(run.id, run._attempt.number, run._attempt.rank, run._attempt.world_size); run.abandon()"
)


class FirstWins:
    """A store as torch has it, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def compare_set(self, key: str, expected: str, desired: str, /) -> bytes:
        return self.kept.setdefault(key, desired).encode()


class Stuck:
    """A store whose server has gone: it answers when the test is over."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def compare_set(self, key: str, expected: str, desired: str, /) -> bytes:
        self.over.wait(30)
        return b""


@pytest.fixture(autouse=True)
def _nobody_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "_met", type(ranks._met)())


def test_a_process_without_torchrun_is_alone_and_one_with_it_is_who_it_says() -> None:
    assert find_place({}) == Place(0, 1, None)
    assert find_place(TORCHRUN) == Place(1, 2, None)


def test_who_asks_a_store_first_names_the_run_and_the_next_run_has_a_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FirstWins()

    def ask(rank: int, proposal: str, kind: str = "k") -> str | None:
        return agree(Place(rank, 2, store), proposal, kind=kind, folder=tmp_path, environment={})

    first = [ask(1, "a"), ask(1, "b"), ask(1, "c", "other")]
    monkeypatch.setattr(ranks, "_met", type(ranks._met)())  # as in another process
    second = [ask(0, "x"), ask(0, "y")]

    assert (first, second) == (["a", "b", "c"], ["a", "b"])


def test_a_store_that_does_not_answer_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = Stuck()
    monkeypatch.setattr(ranks, "PATIENCE_S", 0.05)

    assert agree(Place(0, 2, stuck), "a", kind="k", folder=tmp_path, environment=TORCHRUN) is None
    stuck.over.set()


def test_children_of_one_torchrun_meet_in_a_file(tmp_path: Path) -> None:
    told = []
    for rank in ("1", "0"):
        environment = {**os.environ, **TORCHRUN, "RANK": rank}
        done = subprocess.run(
            [sys.executable, "-c", OPENS, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
        )
        told.append(done.stdout.split())

    assert told[0][:2] == told[1][:2]
    assert [one[2:] for one in told] == [["1", "2"], ["0", "2"]]


@pytest.mark.parametrize("missing", ["TORCHELASTIC_RUN_ID", "LOCAL_WORLD_SIZE"])
def test_where_others_may_be_elsewhere_no_file_is_a_place_to_meet(tmp_path: Path, missing: str) -> None:
    environment = {key: value for key, value in TORCHRUN.items() if key != missing}

    assert agree(Place(1, 2), "a", kind="k", folder=tmp_path, environment=environment) is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_place_to_meet(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert agree(Place(1, 2), "a", kind="k", folder=tmp_path / "file", environment=TORCHRUN) is None


def test_one_that_cannot_ask_records_a_whole_run_of_its_own_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)

    run = open_run(Settings.read({}, mode="offline", dir=str(tmp_path)))
    run.abandon()

    assert (run._attempt.rank, run._attempt.world_size) == (0, 1)
    assert "this is process 1 of 2, and they cannot be asked which run they share" in capfd.readouterr().err


def test_a_run_id_that_is_given_needs_no_agreement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")

    run = open_run(Settings.read({}, mode="offline", dir=str(tmp_path), run_id="mine", silent=True))
    run.abandon()

    assert (run.id, run._attempt.rank, run._attempt.world_size) == ("mine", 1, 2)
