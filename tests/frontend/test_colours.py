"""A run keeps its colour."""

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.colours import colours_of, dashes
from ergoscope_ui.names import names_of
from ergoscope_ui.theme import LIGHT


def _run(name: str, created: float, *, called: str = "") -> RunSummary:
    return RunSummary(id=name, project="p", name=called or name, status="running", created=created, last_seen=created)


def test_a_new_run_changes_no_colour_of_older_ones() -> None:
    before = [_run(f"r{i}", i) for i in range(10)]

    older, with_newer = colours_of(before), colours_of([_run("new", 99), *reversed(before)])

    assert {run: with_newer[run] for run in older} == older
    assert older["r8"] == older["r0"] == 0 and len(LIGHT.runs) == 8


def test_runs_of_one_colour_differ_in_their_dashes() -> None:
    assert dashes([3, 1, 3]) == ["solid", "solid", "dash"]


def test_runs_of_one_name_are_told_apart_by_their_ids() -> None:
    runs = [_run("aaaa1111", 1, called="x"), _run("bbbb2222", 2, called="x"), _run("c", 3, called="y")]

    assert names_of(runs) == {"aaaa1111": "x (1111)", "bbbb2222": "x (2222)", "c": "y"}
