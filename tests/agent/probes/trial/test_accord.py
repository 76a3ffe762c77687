"""Several processes agree on a step, or on none."""

from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from torch import distributed

from ergoscope.probes.trial.accord import Accord, Store

Stores = list[Store]
STRIDE = Accord.stride


@pytest.fixture(params=["hash", "file", "tcp"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """One for each of three processes."""
    found: list[distributed.Store]
    if request.param == "hash":
        found = [distributed.HashStore()] * 3
    elif request.param == "file":
        found = [distributed.FileStore(str(tmp_path / "store"), 3) for _ in range(3)]
    else:
        first = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        found = [first, *(distributed.TCPStore("127.0.0.1", first.port, is_master=False) for _ in range(2))]
    for one in found:
        one.set_timeout(timedelta(seconds=2))  # who waits for a key that nobody sets fails
    return [cast(Store, distributed.PrefixStore("test", one)) for one in found]


def parties(stores: Stores) -> list[Accord]:
    return [Accord(store, rank=rank, world=len(stores)) for rank, store in enumerate(stores)]


def meet(accords: list[Accord], step: int) -> list[int | None]:
    """Where each is asked to be."""
    found = [accord.look(step) for accord in accords]
    return [None if round_ is None else round_.step for round_ in found]


def test_all_hear_of_a_question_and_know_when_all_have_agreed(stores: Stores) -> None:
    accords = first, second, third = parties(stores)

    assert meet(accords, 0) == [None] * 3
    assert first.ask(STRIDE, wide=True)
    assert meet(accords, STRIDE) == [3 * STRIDE] * 3
    assert meet(accords, 2 * STRIDE) == [None] * 3  # it is no news any more
    for one in (first, second):
        one.vote("ready")
    assert not any(one.unanimous("ready") for one in accords)
    third.vote("ready")
    assert all(one.unanimous("ready") for one in accords)
    assert not first.unanimous("go")


def test_what_each_tells_comes_to_the_first_once_all_have_and_opens_the_next_round(stores: Stores) -> None:
    accords = first, second, third = parties(stores)
    first.ask(0, wide=False)
    meet(accords, STRIDE)

    first.tell([1.0, 0.5])
    second.tell([2.0, float("nan")])
    assert first.told() is None
    third.tell([3.0, 1e-300])

    one, two, three = first.told() or []
    assert (one, two[0], three) == ([1.0, 0.5], 2.0, [3.0, 1e-300])
    assert two[1] != two[1]
    assert first.told() is None
    assert first.ask(2 * STRIDE, wide=True)
    found = [accord.look(2 * STRIDE) for accord in accords]
    assert [round_ and (round_.number, round_.wide) for round_ in found] == [(2, True)] * 3
    assert not first.unanimous("told")  # of another round


def test_a_process_that_never_answers_holds_nobody_up(stores: Stores) -> None:
    first, second, _ = accords = parties(stores)
    first.ask(0, wide=False)
    assert meet(accords[:2], STRIDE) == [2 * STRIDE] * 2
    first.vote("ready")
    second.vote("ready")

    assert not first.unanimous("ready")
    assert first.told() is None
    assert not first.ask(5 * STRIDE, wide=False)  # it may still come
    assert first.ask(6 * STRIDE, wide=False)


def test_who_comes_late_is_not_asked_and_hears_the_next_question(stores: Stores) -> None:
    first, second, _ = parties(stores)
    first.ask(0, wide=False)

    assert second.look(2 * STRIDE) is None
    first.ask(6 * STRIDE, wide=False)
    found = second.look(6 * STRIDE)
    assert found is not None
    assert (found.number, found.step) == (2, 8 * STRIDE)


def test_who_fails_after_it_has_agreed_does_not_go_and_so_does_nobody(stores: Stores) -> None:
    accords = first, second, _ = parties(stores)
    first.ask(0, wide=False)
    meet(accords, STRIDE)
    for one in accords:
        one.vote("ready")
    first.vote("after/7")
    second.vote("after/7")  # the third has failed in between

    assert [one.unanimous("after/7") for one in accords] == [False] * 3


def test_a_vote_is_for_one_thing_and_can_be_taken_back(stores: Stores) -> None:
    accords = first, second, third = parties(stores)
    first.ask(0, wide=False)
    meet(accords, STRIDE)
    first.vote("after/7")
    second.vote("after/7")
    third.vote("after/8")  # it counts otherwise

    assert not any(one.unanimous("after/7") or one.unanimous("after/8") for one in accords)
    third.vote("after/8", back=True)
    third.vote("after/7")
    assert all(one.unanimous("after/7") for one in accords)


def test_keys_of_earlier_rounds_do_not_stay() -> None:
    store = distributed.HashStore()
    accords = parties([cast(Store, store)] * 2)
    sizes = []
    for turn in range(4):
        accords[0].ask(turn * STRIDE, wide=False)
        meet(accords, turn * STRIDE)
        for what in ("ready", "after/1"):
            for one in accords:
                one.vote(what)
        for one in accords:
            one.tell([1.0])
        assert accords[0].told() == [[1.0], [1.0]]
        sizes.append(store.num_keys())

    assert sizes[1:] == sizes[:1] * 3


def test_nothing_can_be_voted_for_that_nobody_has_asked_for(stores: Stores) -> None:
    with pytest.raises(ValueError, match="nobody has asked for anything yet; look for a question first"):
        parties(stores)[0].vote("ready")
