"""Run after run is copied; what is said of it, and what is left to do."""

from ergoscope_server.cli.copy import described
from ergoscope_server.copying import SAY_S, Copied, Progress, copy
from ergoscope_server.store.transfer import Moved


class Book:
    """Moves runs by the book; a new one comes into being meanwhile."""

    def __init__(self, *moves: Moved, service: Moved) -> None:
        self._moves = {moved.run: moved for moved in moves}
        self._service = service
        self._asked = 0

    def runs(self) -> list[str]:
        self._asked += 1
        return [*self._moves, *(["new"] if self._asked > 1 else [])]

    def move(self, run: str) -> Moved:
        return self._moves[run]

    def move_service(self) -> Moved:
        return self._service


def test_every_run_is_moved_and_what_became_of_it_is_said() -> None:
    said: list[str] = []
    moves = (
        Moved("a", "copied", cursor=1_200, live=True, rows=5_000),
        Moved("b", "same", cursor=7),
        Moved("c", "kept", reason="it was deleted in the target"),
    )
    mover = Book(*moves, service=Moved("", "copied", rows=3))

    done = copy(mover, Progress(said.append, clock=lambda: 0.0))

    assert said == [
        "[1/3] a: 5,000 rows copied and checked, up to batch 1,200; it has not ended",
        "[2/3] b: the same already",
        "[3/3] c: left as it is: it was deleted in the target",
        "tokens, people and rules of projects: 3 rows copied and checked",
    ]
    kept = {"c": "it was deleted in the target"}
    assert done == Copied(copied=1, same=1, rows=5_003, kept=kept, live={"a": 1_200}, late=1)
    assert not done.whole
    assert described(done) == [
        "1 runs copied and checked (5,003 rows), 1 were the same already",
        "not ended, and copied up to a point: a (batch 1,200); run the same command again to go on",
        "runs that began meanwhile: 1; run the same command again for them",
        "left as they are in the target: c (it was deleted in the target)",
    ]


def test_people_who_stay_as_they_are_in_the_target_are_no_failure() -> None:
    said: list[str] = []
    mover = Book(service=Moved("", "kept", reason="the target keeps its own"))

    done = copy(mover, Progress(said.append, clock=lambda: 0.0))

    assert done.whole
    assert said == ["tokens, people and rules of projects: left as it is: the target keeps its own"]


def test_of_many_runs_some_are_named() -> None:
    done = Copied(live={f"r{i}": i for i in range(8)})

    assert "r4 (batch 4) and 3 more; run" in described(done)[1]


def test_a_long_run_is_told_of_now_and_then() -> None:
    now = 0.0
    said: list[str] = []
    progress = Progress(said.append, clock=lambda: now)
    progress.begin("[1/1] a")

    for now in (1.0, SAY_S, SAY_S + 1, 2 * SAY_S):  # noqa: B007  # the clock reads it
        progress.wrote(3 << 20)

    assert said == ["[1/1] a: 6 MiB so far", "[1/1] a: 12 MiB so far"]
