"""What is said of steps and of the quadratic picture, and what they are held against."""

import numpy as np
import pytest

from ergoscope_contract.catalogue import ALL
from ergoscope_ui.curve import Curve, from_points
from ergoscope_ui.panels import measures
from tests.frontend.panels.test_curvature import curves, said


def words(key: str, found: dict[str, Curve], part: str = "") -> str:
    return said(measures.ALL[key].words(found, part))


@pytest.mark.parametrize("measure", measures.ALL.values(), ids=measures.ALL.keys())
def test_every_series_of_a_card_is_in_the_catalogue_and_made(measure: measures.Measure) -> None:
    assert all(ALL[key].made for key in measure.series)
    assert measure.words({}, "") == []
    assert bool(measure.error) == bool(measure.band)


def test_one_trust_ratio_says_little_so_forty_are_averaged_with_an_error() -> None:
    few = from_points("r", "trust_ratio", [1, 2], [0.5, 0.8])
    draws = np.random.default_rng(0).normal(0.7, 0.1, 40)
    many = from_points("r", "trust_ratio", list(range(40)), draws.tolist())

    assert words("trust_ratio", {"trust_ratio": few}) == "gained of what the slope promised 0.8"
    found = words("trust_ratio", {"trust_ratio": many})
    means = draws.reshape(8, 5).mean(axis=1)
    assert f"{draws.mean():.3f} ± {means.std(ddof=1) / 8**0.5:.3f}, the mean of 40 readings" in found


def test_the_balance_has_its_error_and_says_how_often_steps_descend() -> None:
    found = curves(descent_balance=0.42, descent_balance_error=0.05, descent_fraction=0.97, descent_fraction_error=0.02)

    assert words("descent_balance", found) == (
        "taken back by curvature 0.420 ± 0.050; steps that point downhill 0.970 ± 0.020"
    )


def test_the_threshold_of_the_batchs_sharpness_is_that_of_the_same_step() -> None:
    found = {
        "lambda_max": from_points("r", "lambda_max", [10, 20, 30], [5.0, 8.0, 9.0]),
        "sharpness_ratio": from_points("r", "sharpness_ratio", [10, 30, 40], [0.5, 0.9, 1.0]),
    }
    against = measures.ALL["batch_sharpness"].against
    assert against is not None

    line = against(found, "")

    assert line is not None and line[0] == "what the optimizer holds"
    assert line[1].last.tolist() == [10, 30]
    assert line[1].mean == pytest.approx([10.0, 10.0])
    assert against({}, "") is None
    assert against({**found, "sharpness_ratio": from_points("r", "x", [20], [0.0])}, "") is None


def test_how_fast_answers_change_says_over_how_many_steps() -> None:
    moved = from_points("r", "trajectory_kl", [100, 132], [1e-3, 2e-4])

    assert words("trajectory_kl", {"trajectory_kl": moved}) == "moved 2e-4 nats in 32 steps"


def test_the_share_of_the_gradient_names_its_directions_and_chance() -> None:
    found = curves(
        top_subspace_overlap=0.85, top_subspace_overlap_error=0.02, top_subspace_size=5.0, top_subspace_chance=4e-4
    )
    against = measures.ALL["top_subspace_overlap"].against
    assert against is not None

    assert words("top_subspace_overlap", found) == "share 0.850 ± 0.020 in the 5 steepest; by chance 4e-4"
    line = against(found, "")
    assert line is not None and line[0] == "chance, k = 5"
    assert against({}, "") is None


def test_directions_that_are_still_the_same_have_a_number_and_a_chance_of_their_own() -> None:
    found = curves(
        top_subspace_persistence=0.6,
        top_subspace_persistence_size=4.0,
        top_subspace_persistence_chance=3e-4,
        top_subspace_size=5.0,
        top_subspace_chance=4e-4,
    )

    assert words("top_subspace_persistence", found) == "share 0.6 in the 4 steepest; by chance 3e-4"
    assert words("top_subspace_overlap_update", found) == "by chance 4e-4"


def test_a_radius_may_be_infinite() -> None:
    found = curves(gns_radius=float("inf"), gns_radius_steps=45.0)

    assert words("gns_radius_steps", found) == "radius infinite; in steps 45"


def test_the_gap_of_a_block_has_its_residual_beside_the_blocks_sharpness() -> None:
    found = {
        key: from_points("r", key, [20], [value])
        for key, value in {"ggn_gap/fc": 1.2, "ggn_gap_residual/fc": 0.3, "lambda_max/fc": 4.0}.items()
    }

    against = measures.ALL["ggn_gap"].against
    assert against is not None
    assert against(found, "/fc") == ("sharpness, all of it", found["lambda_max/fc"])
    assert against(found, "") is None
    assert words("ggn_gap", found, "/fc") == "gap 1.20 ± 0.30 loss/weight²; of a sharpness of 4 loss/weight²"
