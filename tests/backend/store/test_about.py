"""Who a run is when it has been described several times."""

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
