"""Into which projects a caller may write."""

from collections.abc import Collection

import pytest

from ergoscope_contract.records import Run
from ergoscope_server.people.rights import Caller, Right
from ergoscope_server.people.writing import NotAllowedError, holding
from tests.backend.store.batches import arrival, batch

WRITES = frozenset({Right.WRITE})
OURS = Caller("token 1", projects={"ours": WRITES, "read only": frozenset({Right.READ})})


class Present:
    """Runs that are there."""

    def __init__(self, **projects: str) -> None:
        self._projects = projects

    def projects(self, runs: Collection[str]) -> dict[str, str]:
        return {run: self._projects[run] for run in runs if run in self._projects}


def _hold(caller: Caller, present: Present, *, names: str | None = None) -> None:
    about = None if names is None else Run("r", names, "n", 1.0)
    hold = holding(caller, present)
    assert hold is not None
    hold(arrival(batch(0, {}, about=about)))


def test_who_may_write_everywhere_is_not_held_up() -> None:
    assert holding(Caller("t", everywhere=WRITES), Present()) is None


@pytest.mark.parametrize("present", [Present(), Present(r="ours"), Present(r="unknown")])
@pytest.mark.parametrize("names", [None, "ours"])
def test_a_batch_of_an_own_project_or_of_none_yet_is_taken(present: Present, names: str | None) -> None:
    _hold(OURS, present, names=names)


@pytest.mark.parametrize(
    ("present", "names"),
    [
        (Present(r="theirs"), None),  # their run
        (Present(r="theirs"), "ours"),  # their run, to be taken away from them
        (Present(r="ours"), "theirs"),  # an own run, to be put into theirs
        (Present(), "theirs"),
        (Present(), "read only"),
        (Present(), "unknown"),
    ],
)
def test_a_batch_of_another_project_is_refused_with_what_to_do(present: Present, names: str | None) -> None:
    with pytest.raises(
        NotAllowedError,
        match=r"token 1 may not write into the project of run 'r', which is another one; it may write into 'ours'\. "
        r"Give the job that project \(ERGOSCOPE_PROJECT\), or a token for its own",
    ):
        _hold(OURS, present, names=names)
