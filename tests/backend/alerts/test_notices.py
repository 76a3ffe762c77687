"""What is told of a loss that has settled: the words, when they hold, and that they do not flicker."""

import pytest

from ergoscope_contract.answers import Alert, Reading, State
from ergoscope_server.alerts.engine import RuleState, advance
from ergoscope_server.alerts.notices import NOTICES, PLATEAU, left_its_law, settled, still_falling
from ergoscope_server.alerts.rule import Facts, Settled

LOSS = Reading("loss_mean_ci", 0.394, 0.392, 0.396)
GRADIENT = Reading("grad_debiased_level", 0.31, 0.27, 0.35)
BATCH = Reading("grad_norm_level", 0.4, 0.38, 0.42)
BALANCE = Reading("descent_balance", 1.02, 0.86, 1.18)
SHORT = Reading("descent_balance", 0.1, 0.0, 0.2)
FALLS = Reading("loss_slope", -0.0012, -0.0014, -0.001)


def _live(*looks: Settled) -> list[Alert]:
    """Show the rules a look every 500 steps, and collect what they tell."""
    states: dict[str, RuleState] = {}
    told = []
    for number, look in enumerate(looks):
        states, alerts = advance(NOTICES, states, Facts(float(number), 500 * (number + 1), settled=look), run="r")
        told += alerts
    return told


@pytest.mark.parametrize(
    ("look", "text"),
    [
        (
            Settled("PLATEAU-INVARIANT", 5200, True, LOSS, GRADIENT, BALANCE),
            "The loss has settled at 0.3940 ± 0.0020 since step 5,200. The gradient norm without noise is 31.0 ± 4.0 % "
            "of its start, and of what the slope gains curvature takes back 1.02 ± 0.16. At this learning rate it "
            "stays there; a lower one may let it fall again.",
        ),
        (
            Settled("PLATEAU", 5200, True, LOSS, BATCH),
            "The loss has settled at 0.3940 ± 0.0020 since step 5,200. The gradient norm of a minibatch is 40.0 ± "
            "2.0 % of its start. A lower learning rate would tell whether there is more to gain.",
        ),
        (
            Settled("STATIONARY-POINT", 10, True, LOSS, Reading("grad_debiased_level", 0.01, 0.0, 0.03)),
            "The loss has settled at 0.3940 ± 0.0020 since step 10. The gradient norm without noise is at most 3 % of "
            "its start. Hardly any slope is left to follow, so the run may end.",
        ),
        (
            Settled("DRIFTING", 10, True),
            "The loss has settled since step 10. The weights are still on their way, so it may move again by itself.",
        ),
        (
            Settled("PLATEAU", 10, True, balance=SHORT),
            "The loss has settled since step 10. Of what the slope gains curvature takes back 0.10 ± 0.10. Steps are "
            "short for this curvature, so it may still fall slowly; a larger learning rate would show it.",
        ),
    ],
)
def test_a_notice_names_onset_level_gradient_balance_and_what_may_be_done(look: Settled, text: str) -> None:
    [alert] = _live(look)

    assert (alert.text, alert.severity, alert.state) == (text, "info", "firing")
    assert (alert.id, alert.first_step, alert.metric) == (f"r-{PLATEAU}-{look.since}", look.since, "plateau_state")


def test_a_plateau_is_told_of_once_and_as_what_it_counts_now() -> None:
    told = _live(
        Settled("PLATEAU", 5200, True, LOSS),
        Settled("PLATEAU", 5200, False, LOSS),
        Settled("PLATEAU-INVARIANT", 5200, True, LOSS),
    )

    assert [alert.id for alert in told] == ["r-plateau-5200"] * 2
    assert told[-1].text.endswith("a lower one may let it fall again.")


@pytest.mark.parametrize(
    "look",
    [
        Settled("UNDECIDED", 5200, True, slope=FALLS, balance=SHORT),
        Settled("PLATEAU", 5200, balance=SHORT),
        Settled("PLATEAU", 5200, slope=FALLS),
        Settled("PLATEAU", 5200, slope=FALLS, balance=Reading("descent_balance", 0.1)),
    ],
)
def test_where_nothing_is_known_nothing_is_said(look: Settled) -> None:
    facts = Facts(0.0, 6000, settled=look)

    assert (settled(facts), still_falling(facts), left_its_law(facts)) == (None, None, None)


def test_a_slow_fall_takes_two_looks_and_both_intervals() -> None:
    slow = Settled("PLATEAU", 5200, slope=FALLS, balance=SHORT, falls=True)
    level = Settled("PLATEAU", 5200, slope=FALLS, balance=SHORT)
    balanced = Settled("PLATEAU", 5200, slope=FALLS, balance=Reading("descent_balance", 0.2, 0.0, 0.4), falls=True)

    told = _live(slow, level, slow, balanced, slow, slow)

    assert [(alert.rule, alert.severity, alert.first_step, alert.text) for alert in told] == [
        (
            "false_convergence",
            "info",
            2500,
            "The loss looks level but still falls, by 0.00120 ± 0.00020 per 1,000 steps: of what the slope gains "
            "curvature takes back only 0.10 ± 0.10. This is slow, not settled.",
        )
    ]


def test_a_slow_fall_lasts_until_its_balance_has_come_up_or_its_slope_may_be_none() -> None:
    slow = Settled("PLATEAU", 5200, slope=FALLS, balance=SHORT, falls=True)
    nearly = Settled("PLATEAU", 5200, slope=FALLS, balance=Reading("descent_balance", 0.35, 0.3, 0.4), falls=True)
    up = Settled("PLATEAU", 5200, slope=FALLS, balance=Reading("descent_balance", 0.5, 0.4, 0.6), falls=True)
    level = Settled("PLATEAU", 5200, slope=FALLS, balance=SHORT)

    assert _live(slow, slow, nearly, nearly, nearly)[-1].state == "firing"
    assert _live(slow, slow, up, up)[-1].state == "resolved"
    assert _live(slow, slow, level, level)[-1].state == "resolved"


def _parted(p: float | None, state: State = "PLATEAU") -> Settled:
    return Settled(state, 5200, parted=p)


def test_a_law_that_is_left_takes_two_looks_and_outlasts_those_that_do_not_ask() -> None:
    told = _live(_parted(1 / 1001), _parted(0.3), _parted(1 / 1001), _parted(1 / 1001), _parted(None, "UNDECIDED"))

    assert [(alert.rule, alert.severity, alert.state, alert.first_step) for alert in told] == [
        ("invariance_broken", "warn", "firing", 1500)
    ]
    assert told[0].text == (
        "Since it settled at step 5,200 the loss has changed, in its spread: two halves of these steps differ (p below "
        "0.001, twice), though no change of learning rate or data was told. Have the data changed?"
    )


def test_a_law_that_holds_again_resolves_after_two_looks() -> None:
    told = _live(*[_parted(1 / 1001)] * 2, _parted(0.3), _parted(0.3))

    assert [alert.state for alert in told] == ["firing", "resolved"]


def test_a_loss_that_changed_its_level_says_from_where_to_where() -> None:
    look = Settled("PLATEAU", 5200, parted=1 / 1001, means=(0.4, 0.45123))

    assert "the loss has changed, from 0.4 to 0.451 on average: two" in _live(look, look)[0].text
