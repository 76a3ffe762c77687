"""The example of the edge of stability, cut short."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from ergoscope.curvature.thresholds import threshold
from tests.examples.loading import EXAMPLES, load

EXAMPLE = EXAMPLES / "edge_of_stability.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return load("edge_of_stability")


def test_the_thresholds_in_it_are_those_that_the_agent_uses(example: ModuleType) -> None:
    for case in example.CASES:
        optimizer = case.make([torch.zeros(2, requires_grad=True)])

        edge = threshold(type(optimizer), optimizer.param_groups)

        assert edge.value == pytest.approx(case.threshold)
        assert (edge.operator == "preconditioned") == (case.metric == "lambda_max_precond")


def test_offline_it_names_the_thresholds_and_keeps_three_runs(tmp_path: Path) -> None:
    surroundings = {**os.environ, "ERGOSCOPE_DIR": str(tmp_path), "ERGOSCOPE_MODE": "offline"}

    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "--steps", "60"], env=surroundings, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    for name, held in (
        ("gradient descent", "2/lr = 10"),
        ("heavy ball", "(2 + 2 momentum)/lr = 34"),
        ("Adam", "38/lr = 19000"),
    ):
        assert f"{name} holds a curvature of {held}\n" in done.stdout
    assert len(list((tmp_path / "spool").iterdir())) == 3
