"""When a sender counts as silent."""

import pytest

from ergoscope_server.store.quiet import QUIET_S, USUAL_GAP_S, patience, usual_gap


@pytest.mark.parametrize(("gap", "seconds"), [(0.0, QUIET_S), (2.5, QUIET_S), (30.0, 120.0)])
def test_patience_is_ten_seconds_or_four_usual_gaps(gap: float, seconds: float) -> None:
    assert patience(gap) == seconds


def test_the_usual_gap_is_the_longest_of_late_and_bounded() -> None:
    assert usual_gap(10.0, 2.0) == 9.0
    assert usual_gap(1.0, 5.0) == 5.0
    assert usual_gap(1.0, 1e6) == USUAL_GAP_S
    assert usual_gap(0.0, -3.0) == 0.0
