"""The ranks of a run: the words in the head, and the table."""

import pytest

from ergoscope_contract.answers import RankSummary, RunSummary
from ergoscope_ui.panels import head
from ergoscope_ui.panels.ranks_table import SHOWN, summed, table, word
from tests.frontend.text import text_of


def _rank(number: int, **more: object) -> RankSummary:
    kept = {"rank": number, "attempt": 1, "status": "running", "last_seen": 5.0, "last_step": 1_500, "behind": 0}
    return RankSummary(**{**kept, **more})  # type: ignore[arg-type]  # a test's own fields


def _run(**more: int) -> RunSummary:
    return RunSummary("r", "p", "n", "running", 0.0, 5.0, **more)  # type: ignore[arg-type]  # counts


SILENT = _rank(3, status="silent", last_step=1_204, behind=296, host="node-2")
LAGS = _rank(5, lags=True, last_step=1_100, behind=400)


def test_the_head_counts_ranks_in_trouble_and_names_them_at_a_closer_look() -> None:
    said = " ".join(
        text_of(head.head(_run(ranks=8, ranks_silent=1, ranks_lagging=1), [_rank(0), SILENT, LAGS])).split()
    )

    assert "8 ranks , 1 silent, 1 lagging" in said
    assert "Rank 3, node-2: silent at step 1,204, 296 behind" in said
    assert "Rank 5: lags at step 1,100, 400 behind" in said
    assert "Rank 0" not in said


def test_ranks_without_trouble_are_one_number_and_a_single_one_is_not_said() -> None:
    well = " ".join(text_of(summed(_run(ranks=8, behind=1), [_rank(0)])).split())

    assert well.startswith("8 ranks Processes of this run None is silent or lags; the hindmost is 1 step behind")
    assert "ranks" not in text_of(head.head(_run()))


def test_many_in_trouble_are_not_all_named() -> None:
    said = text_of(summed(_run(ranks=64, ranks_silent=9), [_rank(n, status="silent") for n in range(9)]))

    assert "Rank 5" in said and "Rank 6" not in said and "and 3 more" in said


def test_a_row_says_step_lag_and_standing() -> None:
    said = " ".join(text_of(table([_rank(0), SILENT, LAGS, _rank(6, last_step=None, behind=None, lost=12)])).split())

    assert "0 – running 1,500 0" in said
    assert "3 node-2 silent 1,204 296" in said
    assert "5 – lags 1,100 400" in said
    assert said.endswith("6 – running – – 12")


def test_of_very_many_ranks_those_in_trouble_are_shown() -> None:
    many = [_rank(n, status="silent" if n == 400 else "running") for n in range(512)]

    said = text_of(table(many))

    assert "400" in said and "silent" in said
    assert f"and {512 - SHOWN} more" in said


def test_ranks_that_were_never_seen_are_one_dim_row_and_no_trouble() -> None:
    unseen = _rank(1, status="never seen", last_seen=0.0, last_step=None, behind=None, upto=1_200)
    run = _run(ranks=2)

    said = " ".join(text_of(table([_rank(0), unseen])).split())
    head = " ".join(text_of(summed(run, [_rank(0), unseen])).split())

    assert said.endswith("1 to 1,200 – never seen – – – –")
    assert "Never seen, as they do not watch or did not start: 1 to 1,200" in head
    assert "None is silent or lags" in head


@pytest.mark.parametrize(("status", "said"), [("running", "lags"), ("silent", "silent"), ("finished", "finished")])
def test_only_a_rank_that_runs_lags(status: str, said: str) -> None:
    assert word(_rank(0, status=status, lags=True)) == said
