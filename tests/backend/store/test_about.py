"""Who a run is when it has been described several times."""

import pytest

from ergoscope_contract.records import Run
from ergoscope_server.store.about import merged

FIRST = Run("r", "p", "n", 100.0, {"lr": 0.1, "seed": 0}, ["a"], "g", "train", "why")


def test_what_the_newer_description_gives_wins_and_what_it_leaves_empty_stays() -> None:
    newer = Run("r", "q", "m", 200.0, {"lr": 0.01}, ["b"], notes="now")

    both = merged(FIRST, newer, newer=True)

    assert both == Run("r", "q", "m", 100.0, {"lr": 0.01, "seed": 0}, ["b"], "g", "train", "now")


def test_a_late_description_fills_in_and_may_show_that_the_run_is_older() -> None:
    older = Run("r", "q", "m", 50.0, {"lr": 1.0, "width": 8}, ["z"], "h")

    both = merged(FIRST, older, newer=False)

    assert both == Run("r", "p", "n", 50.0, {"lr": 0.1, "seed": 0, "width": 8}, ["a"], "g", "train", "why")


@pytest.mark.parametrize("newer", [True, False])
def test_a_name_or_project_that_was_given_wins_over_one_that_was_presumed(newer: bool) -> None:
    told = Run("r", "default", "calm-otter-41", 200.0, presumed=["project", "name"])

    known, told = (FIRST, told) if newer else (told, FIRST)
    both = merged(known, told, newer=newer)

    assert (both.project, both.name, both.presumed) == ("p", "n", [])


def test_a_name_that_nobody_ever_gave_stays_presumed() -> None:
    drawn = Run("r", "p", "calm-otter-41", 100.0, presumed=["name"])

    both = merged(drawn, Run("r", "default", "calm-otter-41", 200.0, presumed=["project", "name"]), newer=True)

    assert (both.project, both.name, both.presumed) == ("p", "calm-otter-41", ["name"])
    assert merged(both, Run("r", "p", "mine", 300.0), newer=True).name == "mine"
