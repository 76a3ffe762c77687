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


@pytest.mark.usefixtures("settle")
def test_a_ratio_without_its_numerator_is_absent(store: Store) -> None:
    send(store, 0, {"update_ratio": ([1], [0.5])})
    send(store, 1, {"update_ratio": ([1], [0.5])})

    assert ask(store, "update_ratio") == {"update_ratio": []}
    assert store.tail("r", "update_ratio", 3)[0].tolist() == []


@pytest.mark.usefixtures("settle")
def test_the_ends_of_a_series_that_only_another_rank_has_are_found(store: Store) -> None:
    steps = list(range(1, 11))
    send(store, 0, {"lr": (steps, [0.1] * 10)}, parts=1)
    send(store, 1, {"loss": (steps, [2.0] * 10), "val/acc": (steps, [0.5] * 10)}, parts=1)

    for name, value in (("loss", 2.0), ("val/acc", 0.5)):
        tail, head = store.tail("r", name, 3), store.head("r", name, 2)
        assert (tail[0].tolist(), tail[1].tolist()) == ([8, 9, 10], [value] * 3)
        assert (head[0].tolist(), head[1].tolist()) == ([1, 2], [value] * 2)


@pytest.mark.usefixtures("settle")
def test_the_ends_reach_as_far_as_any_rank_but_of_norms_as_far_as_all(store: Store) -> None:
    early, late = list(range(1, 7)), list(range(5, 11))
    send(store, 0, {"loss": (early, [1.0] * 6), "grad_norm": (early, [3.0] * 6)})
    send(store, 1, {"loss": (late, [2.0] * 6), "grad_norm": (late, [4.0] * 6)})

    assert store.tail("r", "loss", 2)[0].tolist() == [9, 10]
    assert store.head("r", "loss", 2)[0].tolist() == [1, 2]
    assert store.tail("r", "grad_norm", 2)[0].tolist() == [5, 6]
    assert store.head("r", "grad_norm", 2)[0].tolist() == [5, 6]
    assert store.tail("r", "grad_norm", 2)[1].tolist() == [5.0, 5.0]


@pytest.mark.usefixtures("settle")
def test_the_lowest_rank_that_has_a_series_gives_it(store: Store) -> None:
    send(store, 0, {"lr": ([1, 2], [0.1, 0.1])}, parts=1)
    send(store, 2, {"val/acc": ([1, 2, 3], [0.2, 0.2, 0.2]), "lr": ([1, 2, 3], [0.3] * 3)}, parts=1)
    send(store, 1, {"val/acc": ([1, 2], [0.5, 0.6])}, parts=1)

    assert ask(store, "*") == {"lr": [(1, 0.1), (2, 0.1)], "val/acc": [(1, 0.5), (2, 0.6)]}
    assert ask(store, "*", first=3) == {"lr": [], "val/acc": []}


@pytest.mark.usefixtures("settle")
def test_each_attempt_of_a_series_has_its_own_lowest_rank(store: Store) -> None:
    send(store, 0, {"lr": ([1, 2], [0.1, 0.1])}, parts=1)
    send(store, 1, {"val/acc": ([1, 2, 3], [0.5, 0.6, 0.7])}, parts=1)
    send(store, 0, {"val/acc": ([3, 4], [0.8, 0.9])}, parts=1, number=ATTEMPT + 1000)

    assert ask(store, "val/acc") == {"val/acc": [(1, 0.5), (2, 0.6), (3, 0.8), (4, 0.9)]}
    assert ask(store, "val/acc", first=2, last=2) == {"val/acc": [(2, 0.6)]}
    assert store.tail("r", "val/acc", 3)[0].tolist() == [2, 3, 4]


def test_increments_bring_what_only_another_rank_has(store: Store) -> None:
    send(store, 0, {"lr": ([1], [0.1])}, parts=1)
    send(store, 1, {"val/acc": ([1], [0.5]), "lr": ([1], [0.2])}, parts=1)

    for since in (0, 1):
        news = store.increment("r", since, ["*"], rank=TOGETHER).series
        asked = store.series("r", Query(["*"], since=since, rank=TOGETHER)).series
        wanted = {"val/acc": [0.5]} if since else {"lr": [0.1], "val/acc": [0.5]}
        assert {data.metric: data.points.values.tolist() for data in news} == wanted
        assert {data.metric: data.points.values.tolist() for data in asked} == wanted
        assert {data.rank for data in [*news, *asked]} == {0}


@pytest.mark.usefixtures("settle")
@pytest.mark.parametrize("resumed", [[0, 1], [0]])
def test_a_superseded_attempt_does_not_show_in_a_part_of_the_steps(store: Store, resumed: list[int]) -> None:
    every = list(range(10_000))
    for rank in (0, 1):
        send(store, rank, {"loss": (every, [1.0] * 10_000), "grad_norm": (every, [3.0] * 10_000)})
    for rank in resumed:
        later: Columns = {"loss": ([1000, 1010], [2.0, 2.0]), "grad_norm": ([1000, 1010], [4.0, 4.0])}
        send(store, rank, later, number=ATTEMPT + 1000)

    assert ask(store, "loss", "grad_norm", first=5000) == {"loss": [], "grad_norm": []}
    assert ask(store, "loss", first=998, last=1005) == {"loss": [(998, 1.0), (999, 1.0), (1000, 2.0)]}
    assert store.tail("r", "loss", 3)[0].tolist() == [999, 1000, 1010]
    assert store.tail("r", "grad_norm", 2)[0].tolist() == ([1000, 1010] if len(resumed) == 2 else [998, 999])


@pytest.mark.usefixtures("settle")
def test_a_layer_whose_part_one_rank_lacks_at_some_steps_is_absent_there_in_any_range(store: Store) -> None:
    steps = [1, 2, 3]
    send(store, 0, {"grad_norm": (steps, [3.0] * 3), "grad_norm/a": (steps, [3.0] * 3)})
    send(store, 1, {"grad_norm": (steps, [4.0] * 3), "grad_norm/a": ([1], [4.0])})

    assert ask(store, "grad_norm/a") == {"grad_norm/a": [(1, 5.0)]}
    far = 5_000
    send(store, 0, {"grad_norm": ([far], [3.0]), "grad_norm/a": ([far], [3.0])}, seq=1)
    send(store, 1, {"grad_norm": ([far], [4.0])}, seq=1)
    assert ask(store, "grad_norm/a", first=far) == {"grad_norm/a": []}


@pytest.mark.usefixtures("settle")
def test_a_layer_that_only_waited_for_another_rank_comes_with_it(store: Store) -> None:
    send(store, 0, {"grad_norm": ([1, 2], [3.0, 3.0]), "grad_norm/b": ([1, 2], [3.0, 2.0])})
    first = store.increment("r", 0, ["*"], rank=TOGETHER)
    send(store, 1, {"grad_norm": ([1], [4.0])})

    for metrics in (["*"], ["grad_norm/*"], ["grad_norm/b"]):
        news = store.increment("r", first.cursor, metrics, rank=TOGETHER).series
        asked = store.series("r", Query(metrics, since=first.cursor, rank=TOGETHER)).series
        for series in (news, asked):
            assert {d.metric: d.points.values.tolist() for d in series}["grad_norm/b"] == [3.0]
    assert first.series == []


@pytest.mark.usefixtures("settle")
def test_a_ratio_that_only_waited_for_its_numerator_comes_with_it(store: Store) -> None:
    for rank in (0, 1):
        send(store, rank, {"update_ratio": ([1], [0.5])})
    since = store.cursor("r")
    for rank in (0, 1):
        send(store, rank, {"update_norm": ([1], [3.0])}, seq=1)

    news = store.increment("r", since, ["update_ratio"], rank=TOGETHER).series

    assert [(d.metric, d.points.values.tolist()) for d in news] == [("update_ratio", [0.5])]


@pytest.mark.usefixtures("settle")
def test_where_a_rank_did_not_move_its_newest_size_from_before_the_steps_asked_counts(store: Store) -> None:
    send(store, 0, {"update_norm": ([10], [3.0]), "update_ratio": ([10], [0.5]), "weight_norm": ([1], [6.0])})
    send(store, 1, {"update_norm": ([10], [0.0]), "update_ratio": ([10], [0.0]), "weight_norm": ([1], [8.0])})

    assert ask(store, "update_ratio", "weight_norm", first=10) == {"update_ratio": [(10, 0.3)], "weight_norm": []}
