"""Parts of a page that the browser makes of plain lists."""

import json

import pytest
from dash import dcc, html

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.panels import runs_table
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.planted import planted


def test_an_element_is_its_tag_its_attributes_and_what_is_in_it() -> None:
    part = marked(html.Tr([html.Td(3), None, html.Td(className="pick")], tabIndex=-1, style={"width": "3%"}), run="a b")

    assert planted(part) == [
        "tr",
        {"data-run": "a b", "style": {"width": "3%"}, "tabindex": -1},
        [["td", {}, ["3"]], ["td", {"class": "pick"}, []]],
    ]


def test_a_link_is_one() -> None:
    assert planted(dcc.Link("mine", href="/runs/a", title="a")) == ["a", {"href": "/runs/a", "title": "a"}, ["mine"]]


def test_what_only_dash_can_draw_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Store cannot be planted; it must be of dash\.html, or a dcc\.Link"):
        planted(html.Div([dcc.Store(id="x")]))


def test_the_list_of_runs_can_be_planted() -> None:
    run = RunSummary("settled", "p", "<b>bold</b>", "running", 0.0, 0.0)

    tree = json.dumps(planted(runs_table.table([run], {}, {})))

    assert '"data-run": "settled"' in tree
    assert "<b>bold</b>" in tree  # a text, which the browser sets as one
