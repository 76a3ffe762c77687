"""Values of ranks brought together: numbers in, numbers out."""

import numpy as np
import pytest

from ergoscope_contract.catalogue import Reduce
from ergoscope_server.store.points import Points
from ergoscope_server.store.reduce import how, ratio, shared, spoken, together

NONE = np.empty(0, np.int64)


def line(*points: tuple[int, float]) -> Points:
    return Points(np.array([s for s, _ in points], np.int64), np.array([v for _, v in points]))


def pairs(points: Points) -> list[tuple[int, float]]:
    return list(zip(points.steps.tolist(), points.values.tolist(), strict=True))


@pytest.mark.parametrize(
    ("metric", "whole", "parts"),
    [
        ("loss", Reduce.MEAN, Reduce.MEAN),
        ("step_time", Reduce.MAX, Reduce.MAX),
        ("lr", Reduce.FIRST, Reduce.FIRST),
        ("grad_norm", Reduce.FIRST, Reduce.SQUARES),
        ("weight_norm/0.weight", Reduce.FIRST, Reduce.SQUARES),
        ("nonfinite_count", Reduce.FIRST, Reduce.SUM),
        ("update_ratio/0.bias", Reduce.FIRST, Reduce.RATIO),
        ("gns_simple", Reduce.FIRST, Reduce.FIRST),
        ("val/accuracy", Reduce.FIRST, Reduce.FIRST),
    ],
)
def test_a_norm_is_added_up_only_where_ranks_hold_parts(metric: str, whole: Reduce, parts: Reduce) -> None:
    assert how(metric, parts=1) is whole
    assert how(metric, parts=2) is parts


def test_a_norm_is_the_root_of_the_sum_of_squares_at_steps_where_every_part_is_there() -> None:
    ranks = {0: line((1, 3.0), (2, 6.0), (4, 5.0)), 1: line((1, 4.0), (2, 8.0), (3, 1.0))}

    assert spoken(ranks, 2).tolist() == [1, 2]
    assert pairs(together(Reduce.SQUARES, ranks, complete=spoken(ranks, 2))) == [(1, 5.0), (2, 10.0)]
    assert pairs(together(Reduce.SUM, ranks, complete=np.array([2]))) == [(2, 14.0)]
    assert pairs(together(Reduce.SQUARES, ranks, complete=spoken(ranks, 3))) == []


def test_what_is_not_finite_stays_so() -> None:
    ranks = {0: line((1, float("nan")), (2, float("inf"))), 1: line((1, 4.0), (2, 1.0))}

    assert str(pairs(together(Reduce.SQUARES, ranks, complete=np.array([1, 2])))) == "[(1, nan), (2, inf)]"
    assert str(pairs(together(Reduce.MEAN, ranks, complete=NONE))) == "[(1, nan), (2, inf)]"


def test_means_and_maxima_are_of_those_who_spoke() -> None:
    ranks = {0: line((1, 1.0), (2, 2.0)), 1: line((2, 6.0), (3, 7.0))}

    assert pairs(together(Reduce.MEAN, ranks, complete=NONE)) == [(1, 1.0), (2, 4.0), (3, 7.0)]
    assert pairs(together(Reduce.MAX, ranks, complete=NONE)) == [(1, 1.0), (2, 6.0), (3, 7.0)]


def test_the_lowest_rank_that_has_a_series_speaks_for_it() -> None:
    ranks = {2: line((1, 2.0)), 0: line(), 1: line((1, 1.0))}

    assert pairs(together(Reduce.FIRST, ranks, complete=NONE)) == [(1, 1.0)]
    assert pairs(together(Reduce.FIRST, {}, complete=NONE)) == []


def test_a_ratio_divides_the_norms_of_all_parts() -> None:
    # Parts 3 of 10 and 4 of 0, where the second did not move at step 2 and its size of step 1 stands in.
    norms = {0: line((1, 3.0), (2, 3.0)), 1: line((1, 4.0), (2, 0.0))}
    ratios = {0: line((1, 0.5), (2, 0.5)), 1: line((1, 0.5), (2, 0.0))}
    sizes = {1: line((0, 5.0), (1, 8.0))}

    found = ratio(ratios, norms, sizes, complete=np.array([1, 2]))

    assert pairs(found) == [(1, 0.5), (2, 3.0 / (6.0**2 + 8.0**2) ** 0.5)]
    assert pairs(ratio({}, norms, sizes, complete=np.array([1, 2]))) == []


def test_a_ratio_whose_numerators_are_missing_is_not_there() -> None:
    ratios = {0: line((1, 0.5)), 1: line((1, 0.5))}

    assert pairs(ratio(ratios, {}, {}, complete=np.array([1]))) == []
    assert pairs(ratio(ratios, {0: line((1, 3.0))}, {}, complete=np.array([1]))) == []


def test_a_ratio_to_nothing_is_not_a_number() -> None:
    assert str(pairs(ratio({0: line((1, 0.0))}, {0: line((1, 0.0))}, {}, complete=np.array([1])))) == "[(1, nan)]"


def test_steps_in_common_are_those_of_all() -> None:
    same, other = np.array([1, 2, 5]), np.array([2, 3, 5])

    assert shared([same, same.copy()], same).tolist() == [1, 2, 5]
    assert shared([same, other], np.array([2])).tolist() == [2]
    assert shared([same], NONE).tolist() == []
