"""How sizes are spread."""

import plotly.graph_objects as go
import pytest

from ergoscope_contract.records import Histogram
from ergoscope_ui.figures.canvas import Frame
from ergoscope_ui.figures.histogram import chart, middle, shares
from ergoscope_ui.theme import LIGHT

FRAME = Frame(LIGHT, "log2", first=0, last=10)


def test_both_signs_are_added_and_zeros_are_in_the_total() -> None:
    one = Histogram(key="k", step=1, low=-3, positive=[1, 2, 0], negative=[0, 3, 0], zeros=4)

    exponents, share = shares([one])

    assert exponents == [-3, -2]
    assert share[:, 0].tolist() == pytest.approx([0.1, 0.5])


def test_histograms_of_other_ranges_share_one_axis() -> None:
    first = Histogram(key="k", step=1, low=-3, positive=[4], negative=[])
    second = Histogram(key="k", step=2, low=-1, positive=[2, 2], negative=[])

    exponents, share = shares([first, second])

    assert exponents == [-3, -2, -1, 0]
    assert share.T.tolist() == [[1, 0, 0, 0], [0, 0, 0.5, 0.5]]


def test_the_median_lies_between_equal_bins() -> None:
    _, share = shares([Histogram(key="k", step=1, low=-1, positive=[2, 2], negative=[])])

    assert middle([-1, 0], share) == pytest.approx([-0.5])


def test_a_layer_without_histograms_says_so() -> None:
    assert chart([], FRAME, absent="none yet")["layout"]["annotations"][0]["text"] == "none yet"


def test_plotly_takes_the_figure() -> None:
    go.Figure(chart([Histogram(key="k", step=1, low=-3, positive=[1], negative=[])], FRAME, absent=""))
