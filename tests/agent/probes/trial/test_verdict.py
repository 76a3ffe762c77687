"""What is published of a step, and what is said of it instead."""

import math

import pytest

from ergoscope.probes.trial.verdict import Step, objection

GOOD = {"total": 3.0, "drift": 0.0, "misfit": 0.0, "before": 0.0}


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({}, ""),
        ({"drift": 0.01}, ""),
        ({"misfit": math.nan}, "its loss is not one cross-entropy"),
        ({"misfit": 0.01}, "its loss is not one cross-entropy"),
        ({"drift": math.nan}, "its forward pass gives another loss when it is run once more"),
        ({"drift": -0.02}, "its forward pass gives another loss when it is run once more"),
        ({"before": 1e-30}, "gradients of earlier passes are added to a step's own"),
        ({"before": math.nan}, "gradients of earlier passes are added to a step's own"),
    ],
)
def test_what_a_batch_shows_is_held_against_the_job(seen: dict[str, float], reason: str) -> None:
    found = objection(**{**GOOD, **seen}, halved=False)  # type: ignore[arg-type]  # its keywords

    assert found is not None
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


@pytest.mark.parametrize("seen", [{"total": math.nan, "drift": math.nan}, {"total": 0.0, "misfit": math.nan}])
def test_a_batch_without_a_loss_says_nothing(seen: dict[str, float]) -> None:
    assert objection(**{**GOOD, **seen}, halved=False) is None  # type: ignore[arg-type]  # its keywords


def test_in_half_precision_more_may_differ() -> None:
    assert objection(**{**GOOD, "drift": 0.05, "misfit": 0.02}, halved=True) == ""  # type: ignore[arg-type]  # as above


def test_a_step_along_the_gradient_has_a_curvature_as_well() -> None:
    """½w² from 2 to 1."""
    assert Step(2.0, -2.0, -1.5, False, 4.0, 0.0).scalars() == {"trust_ratio": 0.75, "batch_sharpness": 1.0}
    assert Step(2.0, -2.0, -1.5, False, 4.0, 1e-6).scalars() == {"trust_ratio": 0.75}
    assert Step(2.0, -2.0, -1.5, False).scalars() == {"trust_ratio": 0.75}
    assert Step(2.0, -2.0, -1.5, True, 4.0, 0.0).scalars() == {"trust_ratio": 0.75}


def test_a_promise_within_the_rounding_is_not_looked_at() -> None:
    assert Step(2.0, -1e-7, -1e-7, False).scalars() == {}
    assert Step(2.0, -0.007, -0.007, True).drowned
    assert Step(2.0, -0.007, -0.007, True).scalars() == {}
    assert not Step(2.0, -0.008, -0.008, True).drowned
