"""What the budget goes to, with costs as they were measured on nets of two sizes."""

import pytest
from torch import nn

from ergoscope.lineup import (
    FIT,
    FULL_GRADIENT,
    HALVES,
    LOSS,
    SHARPNESS,
    SMOOTHNESS,
    SPECTRUM,
    TASKS,
    TRIAL,
    TRUST,
    tasks_of,
)
from ergoscope.schedule import Schedule

STEPS = 16384
REST = 60e-6  # seconds of a step that no task accounts for
# Seconds of a step and of a pass over all weights, and how many steps' time a product with the Hessian takes, and a
# gradient with a graph of its own: on the whole batch, and on one 32nd of a large one.
Net = tuple[float, float, float, float]
MLP, GPT, WIDE = (0.012, 0.0002, 2.0, 1.2), (0.415, 0.003, 2.2, 1.2), (0.3, 0.0004, 0.1, 0.1)


def costs_of(net: Net, *, fixed: bool) -> list[float]:
    """Seconds of each task; `fixed` for all that a batch of the user's own allows."""
    step, norm, product, graph = net
    costs = [2 * norm if task.often > 1 else norm for task in TASKS]
    costs[LOSS] = 20e-6
    asked = {
        SHARPNESS: graph + (1.7 if fixed else 3.25) * product,
        TRUST: 0.35,
        SPECTRUM: graph + (4 if fixed else 10) * product,
        TRIAL: 1.7 * graph * fixed,
        FULL_GRADIENT: graph * fixed,
        SMOOTHNESS: (graph + 6 * product) * fixed,
        FIT: (2.7 * graph + 24 * product) * fixed,
    }
    for task, steps in {HALVES: 0.7, **asked}.items():
        costs[task] = steps * step
    return costs


def spend(net: Net, budget: float, *, fixed: bool) -> tuple[list[int], list[float], tuple[float, float]]:
    """What a schedule comes to, as shares of the budget.

    Returns:
        The periods, what each task takes in the second half of the steps, and what all take in both halves.
    """
    schedule, costs = Schedule(budget, TASKS), costs_of(net, fixed=fixed)
    spent, halves, readings = [0.0] * len(TASKS), [0.0, 0.0], 0
    for step in range(STEPS):
        own, late = REST, step >= STEPS // 2
        for task in [task for task, due in enumerate(schedule.due(step)) if due]:
            seconds = costs[task]
            if task == SHARPNESS:  # to begin with a track takes four times the products, later now three and now six
                seconds *= 4.0 if not readings else 0.8 if readings % 3 else 1.4
                readings += 1
            schedule.charge(task, seconds, "measure")
            own, spent[task] = own + seconds, spent[task] + late * seconds
        halves[late] += own
        schedule.turn(net[0] + own, own)
    whole = budget * net[0] * STEPS / 2
    return schedule.periods, [seconds / whole for seconds in spent], (halves[0] / whole, halves[1] / whole)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize(
    ("net", "budget", "sharpness", "trust", "share"),
    [(MLP, 0.02, 4096, 512, 0.05), (MLP, 0.1, 256, 64, 0.15), (GPT, 0.02, 2048, 256, 0.15), (GPT, 0.1, 256, 64, 0.15)],
)
def test_of_what_was_asked_for_the_sharpness_gets_most_and_the_budget_is_kept(
    net: Net, budget: float, sharpness: int, trust: int, share: float, fixed: bool
) -> None:
    periods, spent, (early, late) = spend(net, budget, fixed=fixed)

    assert periods[SHARPNESS] <= sharpness
    assert periods[TRUST] <= trust
    assert spent[SHARPNESS] >= share
    assert spent[SHARPNESS] >= 0.5 * max(spent[task] for task in range(SHARPNESS, len(TASKS)))  # periods double
    assert late <= 0.75  # .7 are planned for, by means of the last fifteen readings
    assert early <= 2.0  # the first reading of everything is made whatever it costs


def test_of_a_32nd_of_a_batch_sharpness_is_read_every_few_dozen_steps_and_the_spectrum_every_few_hundred() -> None:
    periods, _, (early, late) = spend(WIDE, 0.02, fixed=True)

    assert periods[SHARPNESS] <= 64
    assert 5 * periods[SPECTRUM] <= 640  # a draw takes five looks, and each brings a reading
    assert late <= 0.75
    assert early <= 1.0


def test_no_two_that_were_asked_for_fall_on_one_step_at_whatever_periods() -> None:
    asked = [task for task in TASKS if task.asked]
    steps = [{step % 64 for step in task.falls_within(0, 4095, task.often)} for task in asked]

    assert sum(map(len, steps)) - len(set().union(*steps)) == len(steps[-1])  # smoothness and data fit alone share some
    assert not set(TASKS[SMOOTHNESS].falls_within(0, 4095, 2048)) & set(TASKS[FIT].falls_within(0, 4095, 2048))


def test_only_the_budget_limits_a_pass_of_our_own_where_the_clock_sees_all_of_it() -> None:
    beside, behind = tasks_of(nn.Linear(2, 2)), tasks_of(nn.Linear(2, 2, device="meta"))

    assert behind == TASKS
    assert (beside[HALVES].often, behind[HALVES].often) == (16, 128)
    assert [task.name for task in beside] == [task.name for task in TASKS]
