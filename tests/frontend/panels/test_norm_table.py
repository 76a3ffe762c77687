"""Norm measures of runs beside their generalization gap."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.curve import Curve, from_points
from ergoscope_ui.panels.norm_table import NO_SCORE, norm_table
from tests.frontend.text import text_of

STEPS = list(range(1, 101))


def summaries(count: int) -> list[RunSummary]:
    return [
        RunSummary(id=f"r{i}", project="p", name=f"run-{i}", status="finished", created=0.0, last_seen=0.0)
        for i in range(count)
    ]


def curves_of(i: int, **more: float) -> dict[str, Curve]:
    """Run i has a gap of i and a norm product of i squared."""
    found = {
        "loss": from_points(f"r{i}", "loss", STEPS, np.ones(100).tolist()),
        "val/loss": from_points(f"r{i}", "val/loss", [100], [1.0 + i]),
        "norm_product": from_points(f"r{i}", "norm_product", [64, 128], [0.0, float(i * i)]),
    }
    return found | {key: from_points(f"r{i}", key, [128], [value]) for key, value in more.items()}


def said(runs: Sequence[RunSummary], curves: Mapping[str, Mapping[str, Curve]]) -> str:
    return " ".join(text_of(part) for part in norm_table(runs, curves))


def test_every_run_is_a_row_with_its_newest_values() -> None:
    runs = summaries(3)

    words = said(runs, {run.id: curves_of(i, dist_from_init=10.0 + i) for i, run in enumerate(runs)})

    assert "run-2 2 4 12" in words
    assert "log Π‖W‖₂" in words
    assert "log paths" not in words  # no run has it
    assert NO_SCORE in words


def test_with_fewer_than_ten_runs_no_correlation_is_printed() -> None:
    runs = summaries(9)

    words = said(runs, {run.id: curves_of(i) for i, run in enumerate(runs)})

    assert "Kendall τ" not in words
    assert "A rank correlation with the gap takes 10 runs of which it is known, not 9." in words


def test_of_ten_it_is_with_its_interval() -> None:
    runs = summaries(10)

    words = said(runs, {run.id: curves_of(i) for i, run in enumerate(runs)})

    assert "Kendall τ 1.00 (0.93 to 1.00)" in words
    assert "over 10 runs, in brackets its 95 % interval" in words


def test_a_measure_of_fewer_runs_has_none() -> None:
    runs = summaries(11)
    curves = {run.id: curves_of(i) for i, run in enumerate(runs)}
    curves["r0"]["nc1"] = from_points("r0", "nc1", [10], [0.25])

    words = said(runs, curves)

    assert "Kendall τ 1.00 (0.94 to 1.00) –" in words


def test_a_norm_is_held_against_the_margin_where_that_is_above_zero() -> None:
    runs = summaries(2)

    words = said(runs, {"r0": curves_of(0, margin_quantile=-1.0), "r1": curves_of(1, margin_quantile=math.e**2)})

    assert "over margin" in words
    assert "run-0 0 0 –" in words
    assert "run-1 1 1 -1" in words


def test_where_no_loss_on_other_data_is_logged_it_says_how() -> None:
    runs = summaries(2)
    curves = {run.id: curves_of(i) for i, run in enumerate(runs)}
    del curves["r1"]["val/loss"]

    words = said(runs, curves)

    assert "run-1 – 1" in words
    assert "The gap is known where a loss on other data is logged, as val/loss." in words


def test_without_any_measure_it_says_so() -> None:
    words = said(summaries(1), {})

    assert words.startswith("None of these runs has a norm measure or a loss on other data yet.")
