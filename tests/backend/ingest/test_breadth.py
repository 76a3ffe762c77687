"""How many series a run may have."""

from collections.abc import Iterator

import pytest

from ergoscope_server.ingest import breadth as module
from ergoscope_server.ingest.breadth import AGAIN_S, Breadth


class Names:
    """A store of names, which counts how often it is asked."""

    def __init__(self, **runs: list[str]) -> None:
        self.runs, self.asked = runs, 0

    def keys(self, run: str) -> list[str]:
        self.asked += 1
        return self.runs.get(run, [])


class Clock:
    """Seconds, set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    yield Clock()


def test_names_are_let_in_until_there_is_no_room_and_those_beyond_are_refused_with_the_reason(clock: Clock) -> None:
    store = Names(r=["a", "wall"])
    breadth = Breadth(store, most=3, clock=clock)

    assert breadth.beyond("r", ["a", "b"]) == {}
    refused = breadth.beyond("r", ["d", "a", "e", "f", "b"])

    assert list(refused) == [2, 3]
    assert refused[2] == (
        "the run has 3 series, and may have 3; what is logged under the new name 'e' is not kept. Log under fewer "
        "names, or have ERGOSCOPE_RUN_SERIES raised at the service"
    )
    assert breadth.beyond("r", ["a", "b", "d"]) == {}
    assert breadth.beyond("s", ["e", "f"]) == {}


def test_the_database_is_asked_once_for_a_run_whose_names_do_not_change(clock: Clock) -> None:
    store = Names(r=["a"])
    breadth = Breadth(store, most=3, clock=clock)

    for _ in range(5):
        breadth.beyond("r", ["a", "b"])
        clock.now += AGAIN_S

    assert store.asked == 1
    assert breadth.sure("r", ["b", "a"]) and not breadth.sure("r", ["a", "c"])


def test_without_a_limit_and_without_names_nobody_is_asked(clock: Clock) -> None:
    store = Names()

    assert Breadth(store, most=0, clock=clock).beyond("r", list("abcdef")) == {}
    assert Breadth(store, most=1, clock=clock).beyond("r", []) == {}
    assert store.asked == 0


def test_what_another_process_let_in_counts_after_some_seconds(clock: Clock) -> None:
    store = Names(r=[])
    breadth = Breadth(store, most=3, clock=clock)
    breadth.beyond("r", ["a"])
    store.runs["r"] = ["a", "x", "y"]

    clock.now = AGAIN_S / 2
    overshoot = breadth.beyond("r", ["b"])
    clock.now = 2 * AGAIN_S
    after = breadth.beyond("r", ["c"])

    assert overshoot == {}
    assert list(after) == [0]


def test_what_was_let_in_and_never_stored_is_forgotten_in_the_end(clock: Clock) -> None:
    breadth = Breadth(Names(r=[]), most=1, clock=clock)

    refused = []
    breadth.beyond("r", ["a"])
    for _ in range(2):
        clock.now += 2 * AGAIN_S
        refused.append(breadth.beyond("r", ["b"]))

    assert [list(one) for one in refused] == [[0], []]


def test_the_names_of_runs_that_were_not_heard_of_longest_are_let_go(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_NAMES", 5)
    store = Names(a=["1", "2"], b=["1", "2"], c=["1", "2"])
    breadth = Breadth(store, most=9, clock=clock)
    for run in "aba":
        breadth.beyond(run, ["1"])

    breadth.beyond("c", ["1"])

    assert [run for run in "abc" if breadth.sure(run, ["1"])] == ["a", "c"]
