"""What is said and drawn of collapse."""

from ergoscope_ui.curve import Curve, from_points
from ergoscope_ui.panels import collapse
from ergoscope_ui.theme import LIGHT
from tests.frontend.text import text_of


def _curves(*keys: str) -> dict[str, Curve]:
    return {key: from_points("r", key, [512, 1024], [2.0, 0.5]) for key in keys}


def test_every_quantity_has_a_line_of_its_own() -> None:
    strands = collapse.strands(_curves(*collapse.LINES), LIGHT)

    assert [strand.name for strand in strands] == ["NC1", "NC2", "NC2 angle", "NC3", "NC4"]
    assert len({strand.colour for strand in strands}) == 5
    assert {*collapse.SERIES} - {*collapse.LINES} == {"nc_examples"}


def test_the_legend_has_the_newest_values_of_what_is_there() -> None:
    said = text_of(collapse.legend(_curves("nc1", "nc4")))

    assert "NC1" in said and "NC4" in said and "NC3" not in said
    assert said.count("0.5") >= 2


def test_how_many_examples_they_rest_on_is_told_where_it_is_known() -> None:
    curves = {**_curves("nc1"), "nc_examples": from_points("r", "nc_examples", [1024], [24.0])}

    assert "24 examples" in text_of(collapse.words(curves))
    assert "examples of the rarest" not in text_of(collapse.words(_curves("nc1")))
