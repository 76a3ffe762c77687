"""A spectrum over the steps."""

import numpy as np
import plotly.graph_objects as go
import pytest

from ergoscope_contract.answers import Mark
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.figures.waterfall import chart
from ergoscope_ui.spectrum import Spectrum, read_spectrum
from ergoscope_ui.theme import DARK, LIGHT, Palette

FRAME = Frame(LIGHT, "", first=0, last=2_000, marks=(Mark(step=700, kind="lr_change", text="lr 1 → .1"),))


def spectrum(step: int, *spikes: float) -> Spectrum:
    bulk = np.linspace(-1, 1, 100).tolist()
    found = read_spectrum({"step": step, "nodes": [*bulk, *spikes], "weights": [1.0] * 100 + [0.01] * len(spikes)})
    assert found is not None
    return found


def drawn(*steps: int) -> tuple[list[float], list[list[float | None]]]:
    heat = chart([spectrum(step, 50.0) for step in steps], FRAME, counts={}, absent="")["data"][0]
    return heat["y"], heat["z"]


def test_the_newest_spectrum_is_on_top_and_curvature_grows_to_the_right() -> None:
    figure = chart([spectrum(512, 50.0), spectrum(1_024, 50.0)], FRAME, counts={}, absent="")
    axes = figure["layout"]

    assert axes["yaxis"]["range"][0] < axes["yaxis"]["range"][1] == 2_000
    assert axes["xaxis"]["range"][0] < 0 < axes["xaxis"]["range"][1]
    assert figure["data"][0]["y"][1:3] == [512, 1_024]


def test_the_cells_hold_the_density_of_the_spectrum() -> None:
    one = spectrum(512, 50.0)
    heat = chart([one], FRAME, counts={}, absent="")["data"][0]

    edges = np.sinh(np.array(heat["x"])) * 0.1  # half of the nodes are above a tenth, and a power of ten below them
    logs = np.array([value if value is not None else -np.inf for value in heat["z"][1]])
    # log10 is rounded to two digits: each cell is within 1.2 % of its own.
    assert (10**logs * np.diff(edges)).sum() == pytest.approx(1.0, rel=0.012)
    assert heat["zmax"] - heat["zmin"] == 4


def test_between_spectra_far_apart_nothing_is_drawn() -> None:
    steps, rows = drawn(100, 200, 300, 1_500)

    blank = [step for step, row in zip(steps, rows, strict=True) if all(value is None for value in row)]
    assert blank == [0, 400, 1_400, 1_600]


def test_a_single_spectrum_is_high_enough_to_be_seen() -> None:
    steps, rows = drawn(512)

    assert (steps[2] - steps[0]) / 2 == pytest.approx(2_000 / 24)
    assert [all(value is None for value in row) for row in rows] == [True, False, True]


def test_outliers_are_points_where_their_number_is_known() -> None:
    spectra = [spectrum(512, 40.0, 50.0), spectrum(1_024, 40.0, 60.0)]

    points = chart(spectra, FRAME, counts={1_024: 2}, absent="")["data"][1]

    assert points["y"] == [1_024, 1_024]
    assert [told[0] for told in points["customdata"]] == pytest.approx([40.0, 60.0])
    assert points["marker"]["color"] == LIGHT.edge


def test_an_outlier_has_its_residual_as_a_bar_on_the_axis_of_curvature() -> None:
    told = {"step": 9, "nodes": [-0.1, 0.0, 0.1, 50.0], "weights": [1.0] * 4, "residuals": [1.0, 1.0, 1.0, 3.0]}
    one = read_spectrum(told)
    assert one is not None

    points = chart([one], FRAME, counts={9: 1}, absent="")["data"][1]

    low, high = (
        np.sinh(points["x"][0] + shift)
        for shift in (-points["error_x"]["arrayminus"][0], points["error_x"]["array"][0])
    )
    assert high / low == pytest.approx(53 / 47)
    assert points["customdata"] == [(50.0, "± 3")]


def test_zero_is_marked_and_what_happened_lies_across() -> None:
    zero, change = chart([spectrum(512, 50.0)], FRAME, counts={}, absent="")["layout"]["shapes"]

    assert (zero["name"], zero["x0"], zero["x1"]) == ("zero", 0, 0)
    assert (change["y0"], change["y1"], change["xref"], change["name"]) == (700, 700, "paper", "lr_change")


def test_the_axis_stays_while_the_ends_of_the_spectrum_move_a_little() -> None:
    first, second = (chart([spectrum(512, top)], FRAME, counts={}, absent="")["layout"] for top in (50.0, 52.0))

    assert first["xaxis"]["range"] == second["xaxis"]["range"]


def test_without_a_spectrum_it_says_why() -> None:
    assert chart([], FRAME, counts={}, absent="none yet")["layout"]["annotations"][0]["text"] == "none yet"


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_plotly_takes_it(palette: Palette) -> None:
    go.Figure(chart([spectrum(512, -3.0, 50.0)], Frame(palette, "", first=0, last=9), counts={512: 2}, absent=""))
