"""The labelled runs: their truth, how it is kept, and a small part of them judged."""

import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from benchmarks.verdict_runs.case import HELD_OUT, SEEDS, Label
from benchmarks.verdict_runs.cases import CASES
from benchmarks.verdict_runs.judging import Outcome, outcome
from benchmarks.verdict_runs.record import Recording
from benchmarks.verdict_runs.report import report
from benchmarks.verdict_runs.training import run
from benchmarks.verdict_runs.truth import Look, truth_of
from benchmarks.verdicts import gather

END = 3000


def _looks(loss, gradient=lambda step: 1.0, sharpness=lambda step: math.nan) -> list[Look]:
    return [Look(step, float(loss(step)), float(gradient(step)), sharpness(step)) for step in range(0, END + 4001, 100)]


def _case(name: str):
    return next(case for case in CASES if case.name == name)


def test_there_are_sixty_runs_of_every_label_half_of_them_held_out() -> None:
    assert len(CASES) * len(SEEDS) >= 60
    assert {case.label for case in CASES} == set(get_args(Label))
    assert len({case.name for case in CASES}) == len(CASES)
    assert 2 * len(HELD_OUT) == len(SEEDS)


@pytest.mark.parametrize(
    ("loss", "gradient", "state"),
    [
        (lambda t: 1 - 2e-5 * t, lambda t: 1.0, "falling"),
        (lambda t: 1 + 2e-5 * t, lambda t: 1.0, "rising"),
        (lambda t: 1.0 + 1e-4 * np.sin(t), lambda t: 1.0, "moving"),
        (lambda t: 1 - 2e-6 * t, lambda t: 1.0, "creeping"),
        (lambda t: 1.0, lambda t: 1.0 if t < 200 else 0.04, "stationary"),
        (lambda t: 1.0, lambda t: 1.0 if t < 200 else 0.07, "between"),
        (lambda t: 1.0 + 0.2 * np.sin(t), lambda t: 1.0, "between"),
        (lambda t: 1.0 if t < 2000 else 4.0, lambda t: 1.0, "blown"),
        (lambda t: 1.0 if t < 2000 else math.nan, lambda t: math.nan, "blown"),
    ],
)
def test_the_truth_of_made_up_looks_is_told(loss, gradient, state: str) -> None:
    assert truth_of(_looks(loss, gradient), end=END, warming=False).state == state


@pytest.mark.parametrize(("ratio", "told"), [(1.05, "at it"), (0.8, "between"), (0.3, "off it"), (1.5, "off it")])
def test_where_the_edge_is_is_the_middle_of_the_last_five_looks(ratio: float, told: str) -> None:
    looks = _looks(lambda t: 1.0, sharpness=lambda t: ratio if t > 500 else 5.0)

    assert truth_of(looks, end=END, warming=False).edge == told


def test_a_run_that_warms_up_to_its_end_and_one_that_nobody_looked_at_the_edge_of() -> None:
    truth = truth_of(_looks(lambda t: 1.0), end=END, warming=True)

    assert (truth.state, truth.edge) == ("warming", "not looked at")


@pytest.fixture(scope="module")
def judged() -> dict[str, tuple[Recording, Outcome]]:
    """A part of the set, cut short."""
    short = {"mlp-sgd": 1500, "mlp-rising": 600, "plane-too-large": 600}
    recordings = {name: run(_case(name), 0, steps=steps, after=1500) for name, steps in short.items()}
    return {name: (recording, outcome(recording)) for name, recording in recordings.items()}


def test_a_small_part_of_the_set_is_told_right(judged: dict[str, tuple[Recording, Outcome]]) -> None:
    told = {name: found for name, (_, found) in judged.items()}

    assert {name: one.truth for name, one in told.items()} == {
        "mlp-sgd": "falling",
        "mlp-rising": "warming",
        "plane-too-large": "blown",
    }
    assert (told["mlp-sgd"].state, told["mlp-sgd"].right, told["mlp-sgd"].alarm) == ("DESCENDING", "right", "quiet")
    assert (told["mlp-rising"].state, told["mlp-rising"].right) == ("WARMUP", "right")
    assert (told["plane-too-large"].flags[0], told["plane-too-large"].alarm) == ("NONFINITE", "caught")


def test_a_recording_comes_back_from_its_file_and_is_judged_alike(
    judged: dict[str, tuple[Recording, Outcome]], tmp_path: Path
) -> None:
    recording, told = judged["mlp-sgd"]

    recording.save(tmp_path / "mlp-sgd-0.npz")
    back = Recording.load(tmp_path / "mlp-sgd-0.npz")

    assert str(back.about) == str(recording.about)  # there are NaN in it
    assert back.series.keys() == recording.series.keys()
    assert np.array_equal(back.tail("run", "loss", 10)[1], recording.tail("run", "loss", 10)[1])
    assert len(back.sketches("run", "weight_sketch")) == len(recording.sketches("run", "weight_sketch")) > 0
    assert gather(tmp_path, replay=True) == [told]


def test_the_tables_count_what_was_told() -> None:
    def one(**changes: object) -> Outcome:
        usual = {
            "case": "a",
            "label": "healthy",
            "seed": 0,
            "truth": "falling",
            "blown": False,
            "edge": "not looked at",
        }
        return Outcome(**{**usual, "state": "DESCENDING", "flags": (), "sentence": "", "spells": (), **changes})

    text = report(
        [
            one(),
            one(truth="moving", state="PLATEAU"),
            one(truth="moving", state="DESCENDING", seed=1),
            one(truth="blown", blown=True, flags=("DIVERGING",)),
            one(flags=("NONFINITE",), edge="at it"),
        ]
    )

    assert "Of 3 runs whose state is known 2 are told right, 1 in part, 0 wrong; of 1 it is not known" in text
    assert "Of 1 runs whose state is known 0 are told right, 0 in part, 1 wrong" in text
    assert "| NONFINITE or DIVERGING | 1 | 0 | 1 | 3 |" in text
    assert "| EDGE, where it was looked at | 0 | 1 | 0 | 0 |" in text
    assert "| healthy | 5 | 2 | 1 | 1 | 1 | 2 | DESCENDING 4, PLATEAU 1 |" in text
