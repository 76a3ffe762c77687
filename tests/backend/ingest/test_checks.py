"""What intake keeps of a batch, and what it refuses alone."""

import numpy as np
import pytest
from msgspec.structs import replace

from ergoscope_contract.answers import Refusal
from ergoscope_contract.columns import pack_block
from ergoscope_contract.errors import ShapeError
from ergoscope_contract.records import Batch, Block, Histogram, Run
from ergoscope_server.ingest.checks import MOST_REFUSALS, STEP_LIMIT, cap, check
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.entry import read_entry


def _check(batch: Batch) -> tuple[Arrival, int, list[Refusal]]:
    refused: list[Refusal] = []
    arrival, values = check(batch, received=1.0, refused=refused)
    return arrival, values, refused


def _batch(keys: list[str], *blocks: Block) -> Batch:
    return Batch(1, "r", 1, 0, 0, keys, list(blocks))


def _points(arrival: Arrival, metric: str) -> list[tuple[int, float]]:
    found = read_entry(arrival.entry).find(metric)
    return [(int(s), float(v)) for steps, values in found for s, v in zip(steps, values, strict=True)]


def test_a_sound_block_is_kept_as_it_came() -> None:
    block = pack_block([1, 0], [3, 4], [1.0, 2.0, 3.0, 4.0], dtype="f4", wall=(5.0, 6.0))

    arrival, values, refused = _check(_batch(["a", "b"], block))

    entry = read_entry(arrival.entry)
    assert (values, refused) == (4, [])
    assert (entry.rows[0].steps, entry.rows[0].values, entry.rows[0].wall) == (block.steps, block.values, (5.0, 6.0))
    assert _points(arrival, "b") == [(3, 1.0), (4, 3.0)]
    assert entry.metrics() == ["b", "a", "wall"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "'' is no name; allowed: 1 to 512 characters without NUL"),
        ("a\nb", r"'a\nb' holds a control character; leave it out"),
        ("wall", "'wall' is made by the server from the blocks' times; use another name"),
    ],
)
def test_a_series_whose_name_cannot_be_kept_is_refused_alone(name: str, reason: str) -> None:
    arrival, values, refused = _check(_batch(["good", name], pack_block([0, 1], [1, 2], [1.0, 2.0, 3.0, 4.0])))

    assert [r.reason for r in refused] == [reason]
    assert refused[0].where.startswith("blocks[0].keys")
    assert values == 2
    assert _points(arrival, "good") == [(1, 1.0), (2, 3.0)]


def test_what_stands_under_a_name_too_many_is_refused_once_and_the_rest_is_kept() -> None:
    shared, alone = pack_block([0, 1], [1, 2], [1.0, 2.0, 3.0, 4.0]), pack_block([1], [3], [5.0])
    refused: list[Refusal] = []

    arrival, values = check(
        _batch(["good", "many"], shared, alone), received=1.0, refused=refused, beyond={1: "there is no room"}
    )

    assert refused == [Refusal("keys[1]", "there is no room")]
    assert values == 2
    assert _points(arrival, "good") == [(1, 1.0), (2, 3.0)]
    assert _points(arrival, "many") == []


def test_a_name_that_nothing_is_logged_under_does_no_harm() -> None:
    _, values, refused = _check(_batch(["good", ""], pack_block([0], [1], [1.0])))

    assert (values, refused) == (1, [])


@pytest.mark.parametrize("step", [STEP_LIMIT + 1, -STEP_LIMIT - 1])
def test_a_step_beyond_what_is_allowed_is_refused_with_its_value_alone(step: int) -> None:
    arrival, values, refused = _check(_batch(["x"], pack_block([0], [1, step, STEP_LIMIT], [1.0, 2.0, 3.0])))

    assert refused == [
        Refusal("blocks[0].x[1]", f"step {step} is outside ±2^62; steps count from the start of the training")
    ]
    assert values == 2
    assert _points(arrival, "x") == [(1, 1.0), (STEP_LIMIT, 3.0)]


def test_values_that_are_no_numbers_are_refused_alone_and_named_by_their_block() -> None:
    good, bad = pack_block([0], [1], [1.0]), Block([0], [2, 3], [[None, "NaN"]])

    arrival, values, refused = _check(_batch(["x"], good, bad))

    assert [r.where for r in refused] == ["blocks[1].x[0]"]
    assert "None is not a number" in refused[0].reason
    assert values == 2
    assert [step for step, _ in _points(arrival, "x")] == [1, 3]


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (Block([0], b"1234567", b""), "packed int64 needs a multiple of 8"),
        (Block([0], bytes(8), bytes(7)), "values hold 7 bytes"),
        (Block([5], bytes(8), bytes(8)), "key index 5 is outside the key table of 1 names"),
        (Block([-1], bytes(8), bytes(8)), "key index -1 is outside the key table of 1 names"),
    ],
)
def test_a_block_that_does_not_fit_together_is_refused_alone(block: Block, reason: str) -> None:
    _, values, refused = _check(_batch(["x"], block, pack_block([0], [1], [1.0])))

    assert len(refused) == 1
    assert refused[0].where.startswith("blocks[0]")
    assert reason in refused[0].reason
    assert values == 1


def test_times_of_a_block_that_is_taken_apart_are_given_once() -> None:
    block = Block([0, 1], [1, 2], [[1.0, None], [1.0, 2.0]], wall=(5.0, 6.0))

    arrival, _, _ = _check(_batch(["a", "b"], block))

    assert _points(arrival, "wall") == [(1, 5.0), (2, 6.0)]


def test_times_that_are_not_finite_are_refused_and_the_points_kept() -> None:
    block = pack_block([0], [1], [1.0], wall=(float("nan"), 2.0))

    arrival, values, refused = _check(_batch(["x"], block))

    assert refused == [
        Refusal("blocks[0].wall", "(nan, 2.0) are no times; allowed: Unix seconds, finite and not negative")
    ]
    assert values == 1
    assert _points(arrival, "wall") == []


def test_a_description_with_an_impossible_name_is_refused_and_the_points_kept() -> None:
    about = Run("r", "p", "n" * 300, 1.0)

    arrival, values, refused = _check(replace(_batch(["x"], pack_block([0], [1], [1.0])), about=about))

    assert [r.where for r in refused] == ["about.name"]
    assert refused[0].reason.endswith("is no name; allowed: 1 to 256 characters, none of them a control character")
    assert arrival.about is None
    assert values == 1


def test_a_histogram_without_a_possible_key_is_refused_alone() -> None:
    shapes = [Histogram("a\x07", 1, 0, [], []), Histogram("ok", 1, 0, [1], [1])]

    arrival, _, refused = _check(replace(_batch([]), histograms=shapes))

    assert refused == [Refusal("histograms[0].key", r"'a\x07' holds a control character; leave it out")]
    assert [row.metric for row in arrival.shapes] == ["ok"]


def test_headline_values_and_the_last_step_are_taken_from_the_rows() -> None:
    block = pack_block([0, 1], [7, 3], [1.0, 2.0, 3.0, 4.0])

    arrival, _, _ = _check(_batch(["loss", "other"], block))

    assert (arrival.latest, arrival.last_step) == ({"loss": 3.0}, 7)


def test_the_time_of_a_step_is_the_batchs_median_not_that_of_one_slow_step() -> None:
    times, nothing = pack_block([0], [1, 2, 3, 4], [0.02, np.nan, 0.03, 9.0]), pack_block([0], [5], [np.nan])

    assert _check(_batch(["step_time"], times))[0].latest == {"step_time": 0.03}
    assert np.isnan(_check(_batch(["step_time"], nothing))[0].latest["step_time"])


def test_nothing_but_a_sign_of_life_is_a_batch_too() -> None:
    arrival, values, refused = _check(_batch([]))

    assert (arrival.entry, values, refused, arrival.last_step) == (b"", 0, [], None)


def test_a_rank_beyond_what_is_allowed_is_refused_with_the_batch() -> None:
    with pytest.raises(ShapeError, match="rank is 1000000; at most 999999 is allowed"):
        _check(replace(_batch([]), rank=1_000_000))


def test_many_refusals_are_cut_short_in_the_answer() -> None:
    steps = np.full(500, STEP_LIMIT + 1)
    _, _, refused = _check(_batch(["x"], Block([0], steps.tobytes(), bytes(8 * 500))))

    shown = cap(refused)

    assert len(shown) == MOST_REFUSALS + 1
    assert shown[-1].reason == "and 400 more refusals like these"
