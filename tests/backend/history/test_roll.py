"""Which ranks are silent or lag: what is told of them, once a change."""

import pytest
from msgspec.structs import replace

from ergoscope_contract.answers import RankSummary
from ergoscope_server.alerts.rule import Missing
from ergoscope_server.history.roll import Roll, call, missing

START = 1000.0


def _rank(number: int, *, seen: float = 42.0, step: int | None = 1204, **more: object) -> RankSummary:
    kept = {"rank": number, "attempt": 1, "status": "running", "last_seen": START + seen, "last_step": step}
    return RankSummary(**{"behind": 0, **kept, **more})  # type: ignore[arg-type]  # a test's own fields


def _told(*looks: list[RankSummary], now: float = 42.0, first: float = 0.0, step_s: float = 0.04) -> list[str]:
    roll, texts = Roll(), []
    for present in looks:
        roll, events = call(roll, present, now=START + now, first=START + first, step_s=step_s)
        texts += [event.text for event in events]
    return texts


OTHERS = [_rank(number, step=1500) for number in (0, 1, 2, 4, 5, 6, 7)]


def test_a_silent_rank_is_told_once_and_its_return_too() -> None:
    gone = [*OTHERS, _rank(3, seen=0.0)]
    back = [*OTHERS, _rank(3, seen=43.0, step=1300)]

    assert _told(OTHERS, gone, gone, back, back) == [
        "rank 3 is silent since step 1,204, 42 s ago; 7 others go on",
        "rank 3 is back at step 1,300",
    ]


def test_the_event_has_the_ranks_the_step_and_what_changed() -> None:
    roll, (event,) = call(Roll(), [*OTHERS, _rank(3, seen=0.0)], now=START + 42, first=START, step_s=None)

    assert (event.kind, event.wall, event.step) == ("rank", START + 42, 1204)
    assert event.data == {"ranks": [3], "now": "silent"}
    assert (roll.named("silent"), roll.named("lags")) == ([3], [])


def test_ranks_that_fall_silent_together_are_one_event() -> None:
    half = [_rank(number, seen=0.0, step=None) for number in range(4)]

    assert _told([*half, _rank(4)]) == ["ranks 0, 1, 2 and 3 are silent for 42 s; 1 other goes on"]


def test_patience_is_a_ranks_own() -> None:
    slow = _rank(3, seen=0.0, patience=120.0)

    assert _told([*OTHERS, slow]) == []


def test_when_all_are_silent_none_is() -> None:
    assert _told([_rank(0), _rank(1, seen=40.2)], now=3600.0) == []


def test_a_pause_of_the_service_is_none_of_a_rank() -> None:
    waking = [_rank(0, seen=3600.0), _rank(1)]
    later = [_rank(0, seen=3611.0), _rank(1)]

    assert _told(waking, first=3599.0, now=3600.0) == []
    assert _told(waking, later, first=3599.0, now=3611.0) == [
        "rank 1 is silent since step 1,204, 3,569 s ago; 1 other goes on"
    ]


def test_a_rank_known_to_be_silent_stays_so_when_the_service_was_away() -> None:
    gone = [_rank(0), _rank(1, seen=0.0)]
    roll, _ = call(Roll(), gone, now=START + 42, first=START, step_s=None)

    again, events = call(
        roll, [_rank(0, seen=100.0), _rank(1, seen=0.0)], now=START + 100, first=START + 99, step_s=0.1
    )

    assert (again, events) == (roll, [])


def test_a_rank_lags_beyond_the_steps_of_its_patience_and_has_caught_up_at_half_of_them() -> None:
    def behind(steps: int) -> list[RankSummary]:
        return [_rank(0, step=10_000), _rank(1, step=10_000 - steps, behind=steps)]

    # 250 steps in ten seconds
    assert _told(behind(250), behind(251), behind(400), behind(126), behind(125)) == [
        "rank 1 lags by 251 steps, 10 s; 1 other goes on",
        "rank 1 has caught up at step 9,875",
    ]


def test_slow_steps_are_no_lag_and_nothing_is_while_the_pace_is_unknown() -> None:
    apart = [_rank(0, step=10), _rank(1, step=8, behind=2), _rank(2, step=None, behind=None)]

    assert _told(apart, step_s=60.0) == []
    assert _told([_rank(0, step=13), _rank(1, step=10, behind=3)], step_s=60.0) == [
        "rank 1 lags by 3 steps, 180 s; 1 other goes on"
    ]
    assert call(Roll(), [_rank(0, step=9_999), _rank(1, step=1, behind=9_998)], now=0, first=0, step_s=None)[1] == []


def test_several_that_lag_are_told_by_the_hindmost() -> None:
    both = [_rank(0, step=10_000), _rank(1, step=9_000, behind=1_000), _rank(2, step=8_000, behind=2_000)]

    assert _told(both) == ["ranks 1 and 2 lag by up to 2,000 steps, 80 s; 1 other goes on"]


@pytest.mark.parametrize("how", ["finished", "failed"])
def test_a_silent_rank_that_ends_is_told_by_its_ending(how: str) -> None:
    gone = [*OTHERS, _rank(3, seen=0.0)]

    assert _told(gone, [*OTHERS, _rank(3, seen=43.0, status=how)])[1:] == [f"rank 3 {how} at step 1,204"]


def test_a_rank_that_ended_is_neither_silent_nor_behind() -> None:
    assert _told([*OTHERS, _rank(3, seen=0.0, status="finished", behind=9_999)]) == []


def test_a_new_attempt_begins_with_nothing_told() -> None:
    gone = [*OTHERS, _rank(3, seen=0.0)]
    anew = [replace(rank, attempt=2) for rank in OTHERS]

    assert len(_told(gone, anew)) == 1


def test_the_rules_see_who_is_silent_for_how_long_of_the_others_time() -> None:
    present = [_rank(0), _rank(1, seen=0.0), _rank(2, seen=25.0), _rank(3, seen=0.0, patience=120.0)]
    roll, _ = call(Roll(), present, now=START + 50, first=START, step_s=None)

    assert missing(roll, present, first=START) == Missing([1], 42.0, 30.0, 1204, others=2)
    assert missing(Roll(), present, first=START) == Missing(limit=30.0)
    assert missing(roll, present, first=START + 30).seconds == 12.0
    assert missing(roll, [], first=START).ranks == ()
