"""What nodes and weights of a quadrature stand for."""

import math

import numpy as np
import pytest

from ergoscope_ui.spectrum import Spectrum, outliers, read_spectrum, shares


def spectrum(nodes: list[float], weights: list[float] | None = None, residuals: list[float] | None = None) -> Spectrum:
    told = {"step": 1, "nodes": nodes, "weights": weights or [1.0] * len(nodes), "residuals": residuals or []}
    found = read_spectrum(told)
    assert found is not None
    return found


def semicircle(*spikes: float, draws: int = 5) -> Spectrum:
    """Draws of 20 nodes within ±2, and of each spike one that has converged."""
    rng = np.random.default_rng(0)
    bulk = np.concatenate([np.sort(rng.uniform(-2, 2, 20)) for _ in range(draws)])
    nodes = [*bulk.tolist(), *(spike * (1 + 0.01 * i) for spike in spikes for i in range(draws))]
    weights = [1.0] * bulk.size + [1e-4] * (len(nodes) - bulk.size)
    return spectrum(nodes, weights, [1.0] * bulk.size + [1e-3] * (len(nodes) - bulk.size))


@pytest.mark.parametrize("draws", [1, 4])
def test_weights_have_the_sum_one_however_those_of_the_draws_were_sent(draws: int) -> None:
    each = [0.25, 0.75]
    whole = spectrum([-1.0, 3.0] * draws, each * draws)
    parts = spectrum([-1.0, 3.0] * draws, [weight / draws for weight in each] * draws)

    assert whole.weights.sum() == pytest.approx(1.0)
    assert parts.weights.tolist() == pytest.approx(whole.weights.tolist())
    assert (whole.nodes.tolist(), whole.weights @ whole.nodes) == ([-1.0] * draws + [3.0] * draws, pytest.approx(2.0))


def test_nodes_come_in_order_and_what_is_not_finite_is_left_out() -> None:
    told = {
        "step": 7,
        "nodes": [3.0, "NaN", 1.0],
        "weights": [1.0, 1.0, 3.0],
        "residuals": [0.1, 0.2, None],
        "how": "x",
    }
    found = read_spectrum(told)

    assert found is not None
    assert (found.step, found.how) == (7, "x")
    assert (found.nodes.tolist(), found.weights.tolist()) == ([1.0, 3.0], [0.75, 0.25])
    assert math.isnan(found.residuals[0]) and found.residuals[1] == 0.1


@pytest.mark.parametrize(
    "told",
    [{}, {"nodes": ["NaN"], "weights": [1.0]}, {"nodes": [1.0], "weights": []}, {"nodes": [1.0], "weights": [0]}],
)
def test_what_has_no_node_of_any_weight_is_none(told: dict[str, object]) -> None:
    assert read_spectrum(told) is None


def test_the_gaussians_are_a_thousandth_of_the_range_in_variance_over_a_hundred() -> None:
    assert spectrum([-1.0, 9.0]).width ** 2 == pytest.approx(1e-5 * 10**2)
    assert spectrum([4.0]).width == pytest.approx(4 * 1e-5**0.5)
    assert spectrum([0.0]).width > 0


@pytest.mark.parametrize("cells", [10_000, 3])
def test_the_shares_add_to_one_in_cells_narrower_and_wider_than_the_gaussians(cells: int) -> None:
    found = semicircle(40.0, 60.0)

    # The cells go nine widths beyond the nodes, where less than 1e-18 of a Gaussian is left.
    edges = np.linspace(found.nodes[0] - 9 * found.width, found.nodes[-1] + 9 * found.width, cells + 1)

    assert shares(found, edges).sum() == pytest.approx(1.0, abs=1e-14)
    assert (shares(found, edges) >= 0).all()


def test_the_density_has_the_moments_of_the_quadrature_and_the_variance_of_the_gaussian() -> None:
    found = semicircle(40.0, 60.0)
    edges = np.linspace(found.nodes[0] - 9 * found.width, found.nodes[-1] + 9 * found.width, 4_001)
    middles, cell = (edges[:-1] + edges[1:]) / 2, edges[1] - edges[0]

    share = shares(found, edges)

    # Values taken at the middles of cells much narrower than the Gaussian have the mean of the density itself, and its
    # second moment and a twelfth of the cell's square (Sheppard); what is left of cells a twelfth as wide is far below
    # rounding. The table that is linear between places h = 18/2¹⁴ apart is off by h²/8 times the largest slope of the
    # Gaussian, 1/√(2πe), at each edge; summed by parts that is as much times the range, or its square.
    table = (18 / 2**14) ** 2 / 8 / math.sqrt(2 * math.pi * math.e)
    second = found.weights @ found.nodes**2 + found.width**2 + cell**2 / 12
    assert share @ middles == pytest.approx(found.weights @ found.nodes, abs=65 * table)
    assert share @ middles**2 == pytest.approx(second, abs=65**2 * table)


def test_a_share_is_the_weight_on_its_side_of_an_edge_between_the_nodes() -> None:
    found = spectrum([-1.0, 0.0, 9.0], [1.0, 2.0, 1.0])

    assert shares(found, np.array([-50.0, -0.5, 4.0, 50.0])).tolist() == pytest.approx([0.25, 0.5, 0.25])


def test_outliers_are_found_once_though_every_draw_has_them_a_little_apart() -> None:
    found = outliers(semicircle(-30.0, 40.0, 60.0, 90.0), 4)

    # Five draws, each a hundredth further: at their mean.
    assert [value for value, _ in found] == pytest.approx([-30 * 1.02, 40 * 1.02, 60 * 1.02, 90 * 1.02])


def test_the_furthest_count_and_nodes_that_may_stand_for_many_do_not() -> None:
    found = semicircle(40.0, 60.0)

    assert [value for value, _ in outliers(found, 1)] == pytest.approx([60 * 1.02])
    assert len(outliers(found, 50)) < 50  # the bulk's nodes have residuals of half its width
    assert outliers(found, 0) == outliers(found, -1) == []


def test_without_residuals_the_furthest_nodes_are_taken_as_they_are() -> None:
    found = outliers(spectrum([-9.0, 0.0, 0.1, 0.2, 7.0]), 2)

    assert [value for value, _ in found] == pytest.approx([-9.0, 7.0])
    assert all(math.isnan(residual) for _, residual in found)


def test_an_outlier_has_the_largest_residual_of_the_nodes_that_are_taken_for_it() -> None:
    told = {"step": 1, "nodes": [0.0, 0.1, 0.2, 50.0, 50.5], "weights": [1.0] * 5, "residuals": [9, 9, 9, 0.1, 0.4]}
    found = read_spectrum(told)
    assert found is not None

    assert outliers(found, 1) == [(pytest.approx(50.25), 0.4)]


def test_a_spectrum_of_one_value_has_no_outlier() -> None:
    assert outliers(spectrum([3.0, 3.0]), 1) == []
