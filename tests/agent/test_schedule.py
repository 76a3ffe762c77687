"""The schedule: it fits the budget, says what it thins, and keeps honest accounts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ergoscope.periods import Task, fit_periods
from ergoscope.schedule import Schedule

CHEAP = Task("cheap", ("loss",), 0.1)
DEAR = Task("dear", ("grad_norm",), 1.0)


def run(schedule: Schedule, steps: int, *, clean: float, costs: list[float], rest: float = 0.0) -> list[str]:
    """Steps of `clean` seconds in which each task that is due costs what it costs; returns what was said."""
    said = []
    for step in range(1, steps + 1):
        own = rest
        for task, due in enumerate(schedule.due(step)):
            if due:
                schedule.charge(task, costs[task], "measure")
                own += costs[task]
        said += [f"{c.task.name} {c.before}->{c.period}" for c in schedule.turn(clean + own, own)]
    return said


def test_everything_runs_at_every_step_when_it_fits() -> None:
    schedule = Schedule(0.02, [CHEAP, DEAR])

    said = run(schedule, 200, clean=1.0, costs=[0.005, 0.008])

    assert schedule.periods == [1, 1]
    assert said == []
    assert schedule.overhead == pytest.approx(0.013)


def test_what_is_too_dear_is_taken_less_often_and_that_is_said_once() -> None:
    schedule = Schedule(0.01, [CHEAP, DEAR])

    said = run(schedule, 400, clean=1.0, costs=[0.005, 0.03])

    assert schedule.periods == [1, 16]  # 0.005 + 0.03 / 16 is the first that fits into 70 % of 0.01
    assert said == ["dear 1->16"]
    assert schedule.overhead is not None
    assert schedule.overhead < 0.01 * 1.1


@pytest.mark.parametrize(("budget", "period"), [(0.02, 512), (0.1, 128)])
def test_what_makes_a_step_stand_out_does_so_at_a_tenth_of_the_budgets_share_of_steps(
    budget: float, period: int
) -> None:
    schedule = Schedule(budget, [CHEAP, DEAR])

    run(schedule, 1200, clean=1.0, costs=[0.001, 0.05])

    assert schedule.periods == [1, period]
    assert 1 / period <= budget / 10


def test_what_somebody_asked_for_may_stand_out_as_often_as_the_budget_allows() -> None:
    asked = replace(DEAR, asked=True)
    schedule = Schedule(0.1, [CHEAP, asked, replace(DEAR, name="default")])

    run(schedule, 1200, clean=1.0, costs=[0.001, 0.5, 0.05])

    assert schedule.periods == [1, 8, 128]  # 0.001 + 0.5 / 8 + 0.05 / 128 is the first that fits into 70 % of 0.1


def test_readings_that_cost_now_less_and_now_more_are_planned_for_by_their_mean() -> None:
    schedule = Schedule(0.1, [CHEAP, replace(DEAR, asked=True)])

    for products in [9.0] + [1.0, 3.0] * 80:
        period = schedule.periods[1]
        run(schedule, period, clean=1.0, costs=[0.001, products])

    assert period == 32  # 0.001 + 2 / 32 is the first that fits into 70 % of 0.1


def test_a_long_reading_that_was_asked_for_does_not_make_the_others_rarer_for_a_while() -> None:
    schedule, seen = Schedule(0.02, [CHEAP, DEAR, replace(DEAR, often=512, asked=True)]), set()
    costs = [0.001, 0.02, 3.0]
    run(schedule, 2048, clean=1.0, costs=costs)

    for _ in range(64):
        run(schedule, 32, clean=1.0, costs=costs)
        seen.add(tuple(schedule.periods))

    assert seen == {(1, 4, 512)}  # 0.001 + 0.02 / 4 + 3 / 512 is the first that fits into 70 % of 0.02


def test_what_may_not_be_so_rare_is_as_rare_as_it_may_be() -> None:
    tasks = [Task("loss", (), 1.0, rarest=1), Task("gradient", (), 1.0, rarest=64), Task("often", (), 1.0, often=512)]

    assert fit_periods([2.0, 2.0, 2.0], tasks, allowed=10.0, dear=1.0, apart=256) == [1, 64, 512]


def test_what_the_agent_does_anyway_is_taken_off_the_budget_first() -> None:
    schedule = Schedule(0.02, [CHEAP, DEAR])

    run(schedule, 300, clean=1.0, costs=[0.001, 0.008], rest=0.015)

    assert schedule.periods == [1, 2]


@pytest.mark.parametrize(("asked", "period"), [(True, 128), (False, 1024)])
def test_a_quarter_of_the_budget_is_left_for_what_was_asked_for_beside_what_is_never_thinned(
    asked: bool, period: int
) -> None:
    schedule = Schedule(0.02, [replace(CHEAP, rarest=1), replace(DEAR, asked=asked)])

    run(schedule, 5000, clean=1.0, costs=[0.008, 0.5], rest=0.015)

    assert schedule.periods == [1, period]  # 0.5 / 128 is the first that fits into a quarter of 0.02


def test_it_goes_back_to_every_step_when_steps_grow() -> None:
    schedule = Schedule(0.02, [CHEAP, DEAR])
    run(schedule, 256, clean=1.0, costs=[0.0, 0.1])

    said = run(schedule, 1024, clean=10.0, costs=[0.0, 0.1])

    assert schedule.periods == [1, 1]
    assert said[-1].endswith("->1")


def test_a_period_that_goes_to_and_fro_is_told_once_in_a_while() -> None:
    schedule = Schedule(0.01, [CHEAP, DEAR])
    said = []

    for turn in range(40):
        said += run(schedule, 64, clean=1.0, costs=[0.0, 0.005 if turn % 2 else 0.009])

    assert {"dear 1->2", "dear 2->1"} >= set(said)
    assert 1 <= len(said) <= 64 * 40 / 512 + 1


def test_one_long_pause_does_not_hide_the_cost_of_the_steps() -> None:
    schedule = Schedule(0.02, [CHEAP])
    run(schedule, 64, clean=1.0, costs=[0.01])

    schedule.turn(1000.0, 0.01)

    assert schedule.overhead == pytest.approx(0.01, rel=0.1)


def test_overhead_is_unknown_before_a_step_was_seen() -> None:
    assert Schedule(0.02, [CHEAP]).overhead is None


@pytest.mark.parametrize("budget", [0, -0.1, 2])
def test_a_budget_that_is_no_share_is_refused(budget: float) -> None:
    with pytest.raises(ValueError, match=f"budget is {budget}; it must be a share of the step's time above 0 and at"):
        Schedule(budget, [CHEAP])


def test_of_two_equal_costs_the_more_patient_task_waits() -> None:
    assert fit_periods([1.0, 1.0], [Task("a", (), 1.0), Task("b", (), 2.0)], allowed=1.5) == [1, 2]


def test_what_never_fits_is_taken_as_rarely_as_allowed() -> None:
    tasks = [Task("loss", (), 1.0, rarest=1), Task("gradient", (), 1.0, rarest=64), Task("weights", (), 2.0)]

    assert fit_periods([1.0, 1.0, 1.0], tasks, allowed=-1.0) == [1, 64, 1024]


@given(
    costs=st.lists(st.floats(0, 10), min_size=1, max_size=5), allowed=st.floats(0.1, 10), patience=st.floats(0.05, 16)
)
def test_periods_fit_and_the_last_halving_was_needed(costs: list[float], allowed: float, patience: float) -> None:
    periods = fit_periods(costs, [Task("any", (), patience)] * len(costs), allowed=allowed)

    assert all(p & (p - 1) == 0 for p in periods)
    total = sum(c / p for c, p in zip(costs, periods, strict=True))
    assert total <= allowed or min(periods) == 1024
    if max(periods) > 1:
        worst = max(range(len(costs)), key=lambda i: costs[i] / periods[i] if periods[i] > 1 else -1.0)
        eased = [p // 2 if i == worst else p for i, p in enumerate(periods)]
        assert sum(c / p for c, p in zip(costs, eased, strict=True)) > allowed * 0.5


def test_what_was_saved_pays_for_a_look_at_everything_after_an_event() -> None:
    schedule = Schedule(0.02, [CHEAP, DEAR])
    run(schedule, 256, clean=1.0, costs=[0.001, 0.04])
    odd = 257
    assert schedule.due(odd) == [True, False]

    schedule.urge()

    assert [schedule.due(odd + i)[1] for i in range(3)] == [True, True, False]
    schedule.urge()
    assert schedule.due(odd) == [True, False]  # one look in 64 steps


def test_what_runs_alone_is_no_part_of_a_look_at_everything() -> None:
    dear = Task("dear", (), 1.0, often=1024, alone=True)
    schedule = Schedule(0.02, [CHEAP, Task("rare", (), 1.0, often=256), dear])
    run(schedule, 256, clean=1.0, costs=[0.0, 0.01, 0.5])

    schedule.urge()

    assert schedule.due(257) == [True, True, False]
    assert schedule.due(1024)[2]


def test_what_sways_falls_on_even_and_odd_steps_in_turn() -> None:
    swaying, steady = Task("swaying", (), 1.0, phase=5, sways=True), Task("steady", (), 1.0, phase=5)

    due = [[step for step in range(70) if task.falls_on(step, 16)] for task in (swaying, steady)]

    assert due == [[5, 22, 37, 54, 69], [5, 21, 37, 53, 69]]


@given(
    first=st.integers(1, 5000),
    period=st.sampled_from([2**n for n in range(11)]),
    run=st.integers(1, 4),
    phase=st.integers(0, 600),
    sways=st.booleans(),
)
def test_what_falls_within_a_stretch_is_what_falls_on_its_steps(
    first: int, period: int, run: int, phase: int, sways: bool
) -> None:
    task = Task("any", (), 1.0, run=run, phase=phase, sways=sways)

    found = task.falls_within(first, first + 63, period)

    assert found == [step for step in range(first, first + 64) if task.falls_on(step, period)]


def test_a_stretch_laid_out_before_is_forgotten_when_periods_change() -> None:
    schedule = Schedule(0.02, [CHEAP, DEAR])
    run(schedule, 1000, clean=1.0, costs=[0.001, 0.03])

    due = [schedule.due(step)[1] for step in range(1001, 1001 + 256)]

    assert due == [DEAR.falls_on(step, schedule.periods[1]) for step in range(1001, 1001 + 256)]
    assert 0 < sum(due) < 256


def test_what_will_be_due_at_a_step_to_come_is_foreseen() -> None:
    schedule = Schedule(0.02, [CHEAP, DEAR, Task("pair", (), 1.0, often=8, run=2, phase=3)])
    run(schedule, 1000, clean=1.0, costs=[0.001, 0.03, 0.001])

    for step in range(1001, 1001 + 256):
        assert [schedule.foresees(task, step) for task in range(3)] == schedule.due(step)


def test_without_savings_there_is_no_look_at_everything() -> None:
    schedule = Schedule(0.02, [CHEAP, Task("loss", (), 1.0, rarest=1)])
    run(schedule, 256, clean=1.0, costs=[0.001, 0.04])

    schedule.urge()

    assert schedule.due(257) == [False, True]


def test_a_task_may_run_at_successive_steps_and_begin_its_period_later() -> None:
    schedule = Schedule(0.02, [CHEAP, Task("pair", (), 1.0, often=8, run=2, phase=3)])

    assert [step for step in range(1, 25) if schedule.due(step)[1]] == [3, 4, 11, 12, 19, 20]


def test_a_share_of_the_steps_is_what_counts_for_the_budget() -> None:
    pair = Task("pair", (), 1.0, often=8, run=2)

    assert fit_periods([1.0], [pair], allowed=0.25) == [8]
    assert fit_periods([1.0], [pair], allowed=0.2) == [16]
    assert Task("often", (), 1.0, run=2).share(1) == 1.0


def test_what_somebody_asked_for_counts_as_overhead_and_thins_nothing() -> None:
    usual, asked = Schedule(0.02, [CHEAP, DEAR]), Schedule(0.02, [CHEAP, DEAR])

    for step in range(1, 301):
        for schedule, host, device in ((usual, 0.0, 0.0), (asked, 0.25, 0.125)):
            for task, due in enumerate(schedule.due(step)):
                schedule.charge(task, 0.004 if due else 0.0, "measure")
            planned = 0.004 * sum(schedule.due(step))
            schedule.charge_apart(host, device)
            schedule.turn(1.0 + planned + host + device, planned + host)

    assert asked.periods == usual.periods == [1, 1]
    assert usual.overhead == pytest.approx(0.008)
    assert asked.overhead == pytest.approx(0.008 + 0.375)
    assert asked.trained == pytest.approx(1.0)
