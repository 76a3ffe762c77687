"""Runs of several processes read as one series: folded or not, live, resumed, and while a rank is late."""

import pytest

from ergoscope_contract.records import Attempt
from ergoscope_server.store.ranks import TOGETHER
from ergoscope_server.store.series import Query
from ergoscope_server.store.store import Store
from tests.backend.store.batches import ATTEMPT, arrival, batch

Columns = dict[str, tuple[list[int], list[float]]]


def send(
    store: Store, rank: int, columns: Columns, *, parts: int = 2, seq: int = 0, number: int = ATTEMPT, run: str = "r"
) -> None:
    begun = Attempt(number, number / 1000, rank, 2, parts=parts)
    made = batch(seq, columns, run=run, attempt=number, rank=rank, begun=begun)
    assert store.accept([arrival(made)])[0].number is not None


def ask(store: Store, *metrics: str, **asked: int) -> dict[str, list[tuple[int, float]]]:
    answer = store.series("r", Query(metrics, **{"rank": TOGETHER, **asked}))  # type: ignore[arg-type]  # its fields
    return {
        data.metric: list(zip(data.points.steps.tolist(), data.points.values.tolist(), strict=True))
        for data in answer.series
    }


@pytest.fixture(params=["logged", "folded"])
def settle(request: pytest.FixtureRequest, store: Store) -> None:
    """Fold after each batch, or never."""
    if request.param == "folded":
        accept = store.accept

        def and_fold(batches: object) -> object:
            outcomes = accept(batches)  # type: ignore[arg-type]  # passed on
            store.fold("r")
            return outcomes

        store.accept = and_fold  # type: ignore[method-assign,assignment]  # for this test


@pytest.mark.usefixtures("settle")
def test_parts_of_norms_add_up_and_a_whole_layer_of_rank_0_is_not_multiplied(store: Store) -> None:
    steps = [1, 2]
    send(
        store,
        0,
        {"grad_norm": (steps, [5.0, 6.0]), "grad_norm/a": (steps, [3.0, 6.0]), "grad_norm/b": (steps, [4.0, 0.0])},
    )
    send(store, 1, {"grad_norm": (steps, [4.0, 8.0]), "grad_norm/a": (steps, [4.0, 8.0])})

    assert ask(store, "grad_norm", "grad_norm/*") == {
        "grad_norm": [(1, 41**0.5), (2, 10.0)],
        "grad_norm/a": [(1, 5.0), (2, 10.0)],
        "grad_norm/b": [(1, 4.0), (2, 0.0)],
    }
    assert ask(store, "grad_norm", rank=1) == {"grad_norm": [(1, 4.0), (2, 8.0)]}


@pytest.mark.usefixtures("settle")
def test_of_a_model_that_all_ranks_hold_alike_rank_0_has_the_norm(store: Store) -> None:
    send(store, 0, {"grad_norm": ([1], [3.0]), "loss": ([1], [1.0]), "step_time": ([1], [0.1])}, parts=1)
    send(store, 1, {"grad_norm": ([1], [3.0]), "loss": ([1], [2.0]), "step_time": ([1], [0.3])}, parts=1)

    assert ask(store, "*") == {"grad_norm": [(1, 3.0)], "loss": [(1, 1.5)], "step_time": [(1, 0.3)]}


@pytest.mark.usefixtures("settle")
def test_a_norm_with_a_part_missing_is_absent_and_comes_when_the_part_does(store: Store) -> None:
    send(store, 0, {"grad_norm": ([1, 2], [3.0, 3.0]), "grad_norm/a": ([1, 2], [3.0, 3.0])})
    alone = ask(store, "grad_norm", "grad_norm/a")
    send(store, 1, {"grad_norm": ([1], [4.0]), "grad_norm/a": ([1], [4.0])})

    assert alone == {"grad_norm": [], "grad_norm/a": []}
    assert ask(store, "grad_norm", "grad_norm/a") == {"grad_norm": [(1, 5.0)], "grad_norm/a": [(1, 5.0)]}
    assert "grad_norm" not in (store.summary("r") or pytest.fail("there is a run")).latest


@pytest.mark.usefixtures("settle")
def test_a_resumed_run_on_fewer_ranks_adds_up_what_each_attempt_had(store: Store) -> None:
    send(store, 0, {"grad_norm": ([1, 2, 3], [3.0, 3.0, 3.0])})
    send(store, 1, {"grad_norm": ([1, 2, 3], [4.0, 4.0, 4.0])})
    send(store, 0, {"grad_norm": ([3, 4], [7.0, 8.0])}, parts=1, number=ATTEMPT + 1000)

    assert ask(store, "grad_norm") == {"grad_norm": [(1, 5.0), (2, 5.0), (3, 7.0), (4, 8.0)]}


def test_the_ratio_of_parts_is_that_of_the_norms(store: Store) -> None:
    send(store, 0, {"update_norm": ([1], [3.0]), "weight_norm": ([1], [6.0]), "update_ratio": ([1], [0.5])})
    send(store, 1, {"update_norm": ([1], [4.0]), "weight_norm": ([1], [8.0]), "update_ratio": ([1], [0.5])})

    assert ask(store, "update_ratio") == {"update_ratio": [(1, 0.5)]}


def test_increments_bring_a_value_when_its_last_part_arrives(store: Store) -> None:
    send(store, 0, {"grad_norm": ([1, 2], [3.0, 6.0]), "lr": ([1], [0.1])})
    first = store.increment("r", 0, ["*"], rank=TOGETHER)
    send(store, 1, {"grad_norm": ([1, 2], [4.0, 8.0])})
    second = store.increment("r", first.cursor, ["*"], rank=TOGETHER)
    since = store.series("r", Query(["*"], since=first.cursor, rank=TOGETHER))

    assert {d.metric: d.points.values.tolist() for d in first.series if d.count} == {"lr": [0.1]}
    assert {d.metric: d.points.values.tolist() for d in second.series if d.count} == {"grad_norm": [5.0, 10.0]}
    assert {d.metric: d.points.values.tolist() for d in since.series if d.count} == {"grad_norm": [5.0, 10.0]}


def test_buckets_hold_the_extremes_of_the_norm_not_of_its_parts(store: Store) -> None:
    steps = list(range(1, 101))
    send(store, 0, {"grad_norm": (steps, [3.0 * s for s in steps])})
    send(store, 1, {"grad_norm": (steps, [4.0 * s for s in steps])})

    (data,) = store.series("r", Query(["grad_norm"], buckets=2, rank=TOGETHER)).series

    assert data.cells is not None
    assert (float(data.cells.low.min()), float(data.cells.high.max())) == (5.0, 500.0)


def test_the_ends_that_the_verdict_reads_are_of_all_ranks(store: Store) -> None:
    steps = list(range(1, 11))
    send(store, 0, {"loss": (steps, [1.0] * 10), "grad_norm": (steps, [3.0] * 10)})
    send(store, 1, {"loss": (steps, [2.0] * 10), "grad_norm": (steps, [4.0] * 10)})

    tail, head = store.tail("r", "loss", 3), store.head("r", "grad_norm", 2)

    assert (tail[0].tolist(), tail[1].tolist()) == ([8, 9, 10], [1.5] * 3)
    assert (head[0].tolist(), head[1].tolist()) == ([1, 2], [5.0] * 2)


def test_a_run_whose_only_sender_is_another_rank_is_read_all_the_same(store: Store) -> None:
    send(store, 3, {"loss": ([1], [2.0])}, parts=1)

    assert ask(store, "loss") == {"loss": [(1, 2.0)]}
    assert store.tail("r", "loss", 3)[1].tolist() == [2.0]
