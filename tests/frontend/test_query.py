"""The query line of the runs list."""

import pytest

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.errors import QueryError
from ergoscope_ui.query import parse, select


def _run(name: str, **more: object) -> RunSummary:
    kept = {"project": "digits", "status": "running", "created": 0.0, "last_seen": 0.0, **more}
    return RunSummary(id=name, name=name, **kept)  # type: ignore[arg-type]  # a test's own fields


RUNS = [
    _run("conv-a", last_step=100, latest={"lr": 0.1, "loss": 0.5}, config={"seed": 0, "optimizers": [{"name": "SGD"}]}),
    _run("conv-b", status="finished", last_step=4000, latest={"lr": 1e-4}, config={"seed": 1}, tags=["night"]),
    _run("gpt", project="text", status="crashed", state="PLATEAU", flags=["DIVERGING"], notes="after the talk"),
]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("", ["conv-a", "conv-b", "gpt"]),
        ("conv", ["conv-a", "conv-b"]),
        ("night", ["conv-b"]),
        ("the talk", ["gpt"]),
        ("project = text", ["gpt"]),
        ("PROJECT", []),
        ("status = live", ["conv-a"]),
        ("status != finished", ["conv-a", "gpt"]),
        ("lr >= 1e-4 and step < 1,000", ["conv-a"]),
        ("lr=1e-4", ["conv-b"]),
        ("lr = 0.0001", ["conv-b"]),
        ("seed = 1", ["conv-b"]),
        ("optimizer = sgd", ["conv-a"]),
        ("optimizers.name ~ sg", ["conv-a"]),
        ("verdict = settled", ["gpt"]),
        ("verdict ~ settled", ["gpt"]),
        ("flag = diverging", ["gpt"]),
        ("tag = night AND conv", ["conv-b"]),
        ("loss < 1", ["conv-a"]),
    ],
)
def test_runs_are_kept_that_meet_every_part(line: str, kept: list[str]) -> None:
    assert [run.id for run in select(RUNS, line)] == kept


def test_a_part_that_cannot_be_read_says_what_would_be() -> None:
    with pytest.raises(QueryError, match="“lr >” cannot be read; write key = value with one of = != < <= > >= ~"):
        parse("conv and lr >")


def test_an_order_of_words_is_refused() -> None:
    with pytest.raises(QueryError, match="“high” is no number; < compares numbers, such as 1e-4 or 100"):
        parse("lr < high")


def test_an_unknown_key_is_named_with_those_that_are_known() -> None:
    with pytest.raises(QueryError, match="no run has “sead”; there are project, name"):
        select(RUNS, "sead = 1")


def test_a_query_of_no_runs_is_no_error() -> None:
    assert select([], "anything = 1") == []
