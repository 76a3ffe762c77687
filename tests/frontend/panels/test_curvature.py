"""What is said of a run's curvature."""

import numpy as np
import pytest

from ergoscope_contract.catalogue import ALL
from ergoscope_contract.records import Event
from ergoscope_ui.cadence import Cadence, News, news
from ergoscope_ui.curve import Curve, from_points
from ergoscope_ui.panels import curvature as panel
from tests.frontend.text import text_of

QUANTITIES = ["lambda_max", "sharpness_ratio", "hess_trace", "spectral_density"]


def curves(**values: float) -> dict[str, Curve]:
    """Series of one value each, at step 20; an underscore at the end of a name puts it at step 10."""
    return {
        name.rstrip("_"): from_points("r", name.rstrip("_"), [10 if name.endswith("_") else 20], [value])
        for name, value in values.items()
    }


def told(text: str) -> News:
    """The agent's word that they are not measured."""
    return news([Event("agent", 1.0, 9, text, {"quantities": QUANTITIES, "absent": True})])


def said(words: panel.Words) -> str:
    """The words without the definitions that open at a closer look."""
    for part in words:
        for inner in getattr(part, "_traverse", list)():
            if getattr(inner, "className", "") == "tip":
                inner.children = []
    return " ".join(text_of(words).split()).replace(" ;", ";").replace(" ,", ",")


def test_the_ratio_has_the_error_of_the_eigenvalue_that_it_was_made_of() -> None:
    words = panel.sharpness_words(curves(sharpness_ratio=0.9, lambda_max=180.0, lambda_max_residual=20.0), News())

    assert said(words) == "0.90 ± 0.10 of what the optimizer holds; sharpness 180 ± 20 loss/weight²"


def test_in_adams_coordinates_the_error_is_of_the_preconditioned_eigenvalue() -> None:
    found = curves(sharpness_ratio=0.9, lambda_max_precond=9_000.0, lambda_max_residual=1_000.0, lambda_max_=180.0)

    # The plain eigenvalue is of another step, whose residual is not the newest: it is told without an error.
    assert said(panel.sharpness_words(found, News())) == (
        "0.90 ± 0.10 of what the optimizer holds; sharpness 180 loss/weight²"
    )


def test_without_a_threshold_the_sharpness_says_why() -> None:
    why = told("there is no threshold: Lion has none")

    assert said(panel.sharpness_words(curves(lambda_max=180.0), why)) == (
        "sharpness 180 loss/weight²; there is no threshold: Lion has none"
    )
    assert panel.sharpness_words({}, why) == []


def test_an_error_is_found_at_its_step_though_it_goes_on() -> None:
    found = curves(lambda_max_precond=1_500.0, sharpness_ratio=0.5)
    residuals = from_points("r", "lambda_max_residual", [20, 30], [150.0, 9.0])

    for later in (residuals, from_points("r", "lambda_max_residual", [30], [9.0])):
        words = said(panel.sharpness_words({**found, "lambda_max_residual": later}, News()))
        assert words.startswith("0.500 ± 0.050 of what" if later.size == 2 else "0.5 of what")


def test_the_trace_has_its_error_only_at_its_step() -> None:
    found = curves(hess_trace=3_000.0, hess_trace_error=200.0, hess_fro=512.0, hess_fro_error_=9.0)

    assert said(panel.trace_words(found, "")) == "trace 3,000 ± 200 loss/weight²; size 512 loss/weight²"


def test_the_numbers_of_a_block_are_its_own() -> None:
    found = {"hess_trace/fc": from_points("r", "hess_trace/fc", [1], [7.0]), **curves(hess_trace=3_000.0)}

    assert said(panel.trace_words(found, "/fc")) == "trace 7 loss/weight²"


def test_outliers_stand_beside_the_classes_and_negative_curvature_between_its_bounds() -> None:
    found = curves(
        outlier_count=4.0,
        outliers_unresolved=2.0,
        neg_curv_mass=0.48,
        neg_curv_mass_error=0.02,
        neg_curv_mass_low=0.31,
        neg_curv_mass_high=0.52,
        lla_re=0.12,
        lla_kh=0.3,
        lla_kh_error=0.04,
    )

    assert said(panel.spectrum_words(found, "", {"model": {"num_classes": 10}})) == (
        "4 outliers beyond the bulk (10 classes), 2 more unresolved; negative curvature 0.480 ± 0.020 "
        "(0.31 to 0.52 left open); smallest against largest 0.12; negative against positive 0.300 ± 0.040"
    )


def test_without_a_number_of_classes_there_is_just_the_count() -> None:
    assert (
        said(panel.spectrum_words(curves(outlier_count=1.0), "", {"num_classes": True})) == "1 outlier beyond the bulk"
    )
    assert panel.spectrum_words({}, "", {"num_classes": 10}) == []


@pytest.mark.parametrize("name", ["num_classes", "n_classes", "classes", "num_labels"])
def test_the_number_of_classes_is_found_under_its_usual_names(name: str) -> None:
    assert panel.classes({"data": {name: 10}}) == 10
    assert panel.classes({name: ["cat", "dog"]}) is None


def test_readings_are_stale_after_three_of_their_usual_gaps() -> None:
    steps = np.array([100, 200, 300])

    assert panel.old(steps, None, now=600) == []
    assert said(panel.old(steps, None, now=601)) == "Stale: the newest is 301 steps old, and one came every 100."
    assert panel.old(steps, Cadence(512, 25, 1.0, 0.1, 0.02), now=1_800) == []  # it has just become rarer
    assert panel.old(steps[:1], None, now=10_000) == panel.old(steps, None, now=None) == []


def test_what_is_measured_no_more_says_why() -> None:
    over = told("curvature is not measured: there is no memory for it")

    assert said(panel.given_up("hess_trace", over)) == (
        "No more of it: curvature is not measured: there is no memory for it."
    )
    assert panel.given_up("hess_trace", News()) == []


def test_an_empty_chart_says_what_to_write_how_rare_it_is_or_why_it_is_absent() -> None:
    density = ALL["spectral_density"]
    rare = News({"spectral_density": Cadence(512, 25, 1.2, 0.021, 0.02)})

    assert panel.absent(density, News()) == f"no {density.name} yet; {panel.LINE} measures it"
    assert panel.absent(density, rare) == (
        f"no {density.name} yet; it needs 5 looks, on a fixed batch 25, and there is one every 512 steps: one takes "
        "1.2 s, the budget is 2 %"
    )
    single = News({"lambda_max": rare.cadences["spectral_density"]})
    assert panel.absent(ALL["lambda_max"], single).endswith(
        "it is taken every 512 steps: one takes 1.2 s, the budget is 2 %"
    )
    assert panel.absent(density, told("curvature is not measured: x")) == "absent, because curvature is not measured: x"


def test_whoever_asked_for_curvature_is_not_told_how_to() -> None:
    how = Event("agent", 1.0, 9, "curvature is exact", {"quantities": ["lambda_max"], "how": "exact"})

    assert panel.absent(ALL["hess_trace"], news([how])) == "no trace of the Hessian yet"


def test_the_unit_is_the_catalogues_where_the_symbol_holds_a_comma() -> None:
    assert said(panel.said("softened", panel.newest(curves(trajectory_kl_soft=0.5), "trajectory_kl_soft"))) == (
        "softened 0.5 nats"
    )


def test_a_run_without_curvature_shows_the_line_that_measures_it_or_why_it_could_not() -> None:
    refused = told("curvature is not measured: several optimizers step")

    assert panel.LINE in text_of(panel.unmeasured(News()))
    assert text_of(panel.unmeasured(refused)) == "Curvature is not measured Several optimizers step."
