"""Colours can be read, and are written in one place."""

import re
from itertools import product
from pathlib import Path

import pytest

import ergoscope_ui
from ergoscope_ui.theme import DARK, LIGHT, Palette, contrast, css, palette, translucent

_BOTH = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=lambda colours: colours.name)
_INKS = (
    "ink",
    "soft",
    "faint",
    "warm_ink",
    "descend_ink",
    "settled_ink",
    "still_ink",
    "drift_ink",
    "edge_ink",
    "diverge_ink",
)
_ASSETS = Path(ergoscope_ui.__file__).parent / "assets"


@_BOTH
def test_every_text_is_at_least_four_and_a_half_to_one_on_card_and_ground(colours: Palette) -> None:
    faint = {
        (ink, ground): contrast(getattr(colours, ink), getattr(colours, ground))
        for ink, ground in product((*_INKS, "accent"), ("card", "ground"))
    }

    assert {pair: ratio for pair, ratio in faint.items() if ratio < 4.5} == {}


@_BOTH
def test_the_badge_can_be_read(colours: Palette) -> None:
    assert contrast(colours.badge_ink, colours.badge) >= 4.5


@_BOTH
def test_lines_of_runs_stand_out_from_the_card(colours: Palette) -> None:
    assert min(contrast(colour, colours.card) for colour in colours.runs) >= 3.0


def test_black_on_white_is_twenty_one_to_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_the_style_sheet_names_no_colour_of_its_own() -> None:
    sheet = (_ASSETS / "house.css").read_text()

    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s}])", re.sub(r"#[a-z-]+\s*[{,.:]", "", sheet)) == []


def test_the_style_sheet_uses_only_colours_that_the_themes_define() -> None:
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", (_ASSETS / "house.css").read_text()))
    defined = set(re.findall(r"(--[a-z0-9-]+):", css()))

    assert used - defined - {"--run"} == set()


def test_an_unknown_theme_is_light() -> None:
    assert palette(None) is LIGHT
    assert palette("dark") is DARK


def test_a_colour_can_be_made_translucent() -> None:
    assert translucent("#ff8000", 0.5) == "rgba(255,128,0,0.5)"
