"""Slices: asked for, carried by receipts, answered by grids."""

import pytest

from ergoscope_contract.records import Ending, Grid
from ergoscope_contract.slices import SliceRequest
from ergoscope_server.store.errors import (
    AnsweredSliceError,
    EndedRunError,
    OpenSliceError,
    UnknownRunError,
    UnknownSliceError,
)
from ergoscope_server.store.slices import MOST_KEPT, Asked
from ergoscope_server.store.store import Store
from tests.backend.store.batches import arrival, batch
from tests.backend.store.grids import line, refusal, sent

REQUEST = SliceRequest("s1", axes="update", points=5, extent=0.5, share=0.05)
NAN = float("nan")


@pytest.fixture
def begun(store: Store) -> Store:
    """A store with one run that goes on."""
    store.accept([arrival(batch(0, {}))])
    return store


def _newest(store: Store) -> Asked:
    return store.slices("r")[0]


def _open(store: Store, seq: int) -> list[str]:
    """The requests that the receipt of a further batch carries."""
    return [request.id for request in store.accept([arrival(batch(seq, {}))])[0].requests]


def test_a_request_goes_with_every_receipt_of_its_run_until_a_whole_grid_answers_it(begun: Store) -> None:
    begun.ask_slice("r", REQUEST)

    first, other, again = begun.accept([arrival(batch(1, {})), arrival(batch(0, {}, run="q")), arrival(batch(1, {}))])
    partly = begun.accept([sent(2, line("s1", (NAN, NAN, 1.0, NAN, NAN), partial=True))])[0]
    wholly = begun.accept([sent(3, line("s1"))])[0]

    assert first.requests == again.requests == partly.requests == [REQUEST]
    assert (other.requests, wholly.requests) == ([], [])
    assert _open(begun, 4) == []


def test_a_refusal_ends_the_waiting_too(begun: Store) -> None:
    begun.ask_slice("r", REQUEST)

    begun.accept([sent(1, refusal("s1", "the model draws random numbers"))])

    assert _open(begun, 2) == []
    found = _newest(begun)
    assert (found.state, found.reason, found.request) == ("refused", "the model draws random numbers", REQUEST)


def test_rows_take_the_place_of_fewer_rows_and_nothing_that_of_a_whole_slice(begun: Store) -> None:
    begun.ask_slice("r", REQUEST)
    few, more = (line("s1", (NAN, value, 1.0, NAN, NAN), partial=True) for value in (NAN, 1.25))

    states = [_newest(begun).state]
    begun.accept([sent(1, few)])
    states.append(_newest(begun).state)
    begun.accept([sent(2, more)])
    grids = [_newest(begun).grid]
    begun.accept([sent(3, line("s1")), sent(4, few)])
    begun.accept([sent(5, few), sent(6, refusal("s1", "too late"))])

    assert [*states, _newest(begun).state] == ["open", "measuring", "done"]
    assert [*grids, _newest(begun).grid] == [more, line("s1")]


def test_one_slice_is_waited_for_at_a_time(begun: Store) -> None:
    begun.ask_slice("r", REQUEST)

    text = "slice 's1' of this run is waited for; ask again when it is there, or withdraw it"
    with pytest.raises(OpenSliceError, match=text):
        begun.ask_slice("r", SliceRequest("s2"))

    begun.accept([sent(1, line("s1"))])
    begun.ask_slice("r", SliceRequest("s2"))
    assert _open(begun, 2) == ["s2"]


def test_an_ended_run_cannot_be_asked_and_waits_for_nothing(begun: Store) -> None:
    begun.ask_slice("r", REQUEST)
    begun.accept([arrival(batch(1, {}, ended=Ending("crashed", 1_790_000_000.0)))])

    with pytest.raises(EndedRunError, match="the run has ended; nothing can measure it"):
        begun.ask_slice("r", SliceRequest("s2"))
    found = _newest(begun)
    assert (found.state, found.reason) == ("refused", "the run ended before it was measured")

    resumed = begun.accept([arrival(batch(0, {}, attempt=1_790_000_000_001))])[0]
    assert [request.id for request in resumed.requests] == ["s1"]
    assert _newest(begun).state == "open"


def test_a_run_that_is_not_there_can_neither_be_asked_nor_read(store: Store) -> None:
    with pytest.raises(UnknownRunError, match="there is no run 'nobody'"):
        store.ask_slice("nobody", REQUEST)
    with pytest.raises(UnknownRunError, match="there is no run 'nobody'"):
        store.slices("nobody")


def test_slices_are_listed_newest_first(url: str) -> None:
    times = iter([1.0, 2.0, 3.0])
    store = Store(url, clock=lambda: next(times))
    store.accept([arrival(batch(0, {}))])
    for seq, name in enumerate("abc", 1):
        store.ask_slice("r", SliceRequest(name))
        store.accept([sent(seq, line(name))])

    found = store.slices("r", limit=2)

    assert [(one.id, one.asked) for one in found] == [("c", 3.0), ("b", 2.0)]
    store.close()


def test_a_slice_that_nobody_asked_for_here_is_kept_and_never_asked_for(begun: Store) -> None:
    begun.accept([sent(1, line("elsewhere", (NAN, NAN, 1.0, NAN, NAN), partial=True), received=7.0)])

    found = _newest(begun)

    assert (found.id, found.request, found.asked, found.state) == ("elsewhere", None, 7.0, "measuring")
    assert _open(begun, 2) == []
    begun.ask_slice("r", REQUEST)


def test_one_that_is_withdrawn_is_waited_for_no_more_and_makes_room_for_another(begun: Store) -> None:
    begun.ask_slice("r", REQUEST)

    begun.withdraw_slice("r", "s1")

    found = _newest(begun)
    assert (found.state, found.reason, found.request) == ("refused", "it was withdrawn", REQUEST)
    assert _open(begun, 1) == []
    begun.ask_slice("r", SliceRequest("s2"))
    assert _open(begun, 2) == ["s2"]


def test_what_comes_of_a_withdrawn_one_is_dropped_and_all_else_of_its_batch_kept(begun: Store) -> None:
    begun.ask_slice("r", REQUEST)
    few = line("s1", (NAN, NAN, 1.0, NAN, NAN), partial=True)
    begun.accept([sent(1, few)])
    begun.withdraw_slice("r", "s1")

    late = begun.accept([sent(2, line("s1"), line("s2"))])[0]

    assert (late.number, late.problem, late.requests) == (3, "", [])
    assert {one.id: (one.state, one.grid) for one in begun.slices("r")} == {
        "s1": ("refused", few),
        "s2": ("done", line("s2")),
    }


def test_to_withdraw_twice_does_no_harm(begun: Store) -> None:
    begun.ask_slice("r", REQUEST)

    begun.withdraw_slice("r", "s1")
    begun.withdraw_slice("r", "s1")

    assert _newest(begun).reason == "it was withdrawn"


def test_what_the_end_of_a_run_cut_short_can_be_withdrawn_so_that_a_resumed_one_is_not_asked(begun: Store) -> None:
    begun.ask_slice("r", REQUEST)
    begun.accept([arrival(batch(1, {}, ended=Ending("crashed", 1_790_000_000.0)))])

    begun.withdraw_slice("r", "s1")

    assert begun.accept([arrival(batch(0, {}, attempt=1_790_000_000_001))])[0].requests == []


@pytest.mark.parametrize("answer", [line("s1"), refusal("s1", "no")])
def test_an_answer_cannot_be_withdrawn(begun: Store, answer: Grid) -> None:
    begun.ask_slice("r", REQUEST)
    begun.accept([sent(1, answer)])

    with pytest.raises(AnsweredSliceError, match="slice 's1' is answered already; there is nothing to withdraw"):
        begun.withdraw_slice("r", "s1")
    assert _newest(begun).grid == answer


def test_what_is_not_there_cannot_be_withdrawn(begun: Store) -> None:
    with pytest.raises(UnknownRunError, match="there is no run 'nobody'; the runs list has those there are"):
        begun.withdraw_slice("nobody", "s1")
    with pytest.raises(UnknownSliceError, match="the run has no slice 's1'; the list of its slices has those there"):
        begun.withdraw_slice("r", "s1")


def test_of_many_slices_the_newest_stay_and_those_that_somebody_asked_for_longest(begun: Store) -> None:
    begun.ask_slice("r", REQUEST)
    begun.accept([sent(1, line("s1"), received=1.0)])
    begun.ask_slice("r", SliceRequest("s2"))

    for seq in range(2, 5):
        begun.accept([sent(seq, *(line(f"g{seq}-{number}") for number in range(60)), received=1e10 + seq)])
    begun.accept([arrival(batch(0, {}, run="q"))])

    found = begun.slices("r", limit=1000)
    assert len(found) == MOST_KEPT
    assert {one.id for one in found if one.request is not None} == {"s1", "s2"}
    assert sum(one.id.startswith("g4") for one in found) == 60
    assert sum(one.id.startswith("g3") for one in found) == 38
    assert _open(begun, 5) == ["s2"]


def test_questions_push_out_what_nobody_asked_for_and_then_older_questions(url: str) -> None:
    store = Store(url, clock=iter(range(1, 10_000)).__next__)
    store.accept([sent(0, *(line(f"g{number}") for number in range(60)), received=1e10)])

    for number in range(MOST_KEPT + 3):
        store.ask_slice("r", SliceRequest(f"s{number}"))
        store.withdraw_slice("r", f"s{number}")

    assert {one.id for one in store.slices("r", limit=1000)} == {f"s{number}" for number in range(3, MOST_KEPT + 3)}
    store.close()
