"""From proposals to states: persistence, hysteresis, and how far back a state reaches."""

from dataclasses import replace

import numpy as np
import pytest

from ergoscope_contract.answers import Spell, State
from ergoscope_server.indicators.assessment import Assessment
from ergoscope_server.indicators.balance import Balance
from ergoscope_server.indicators.displacement import Displacement
from ergoscope_server.indicators.few import Few
from ergoscope_server.indicators.invariance import Invariance
from ergoscope_server.indicators.plateau import PlateauEvidence, reweigh, weigh
from ergoscope_server.indicators.true_gradient import TrueGradient
from ergoscope_server.indicators.verdict import Standing, joined, propose, ribbon, settle, settled_as
from ergoscope_server.indicators.windows import WindowTest
from tests.reference.ar1 import ar1, settling

FLAT = weigh(1 + 0.05 * ar1(0.3, 4000, seed=1), seed=0)
FALLS = weigh(settling(2000, level=0.4, height=1.9, time=600) + 0.02 * ar1(0.3, 2000, seed=1), seed=0)
RISES = weigh(1 + 1e-4 * np.arange(3000) + 0.02 * ar1(0.3, 3000, seed=1), seed=0)
NOISY = weigh(1 + ar1(0.9, 3000, seed=2), seed=0)


def _found(evidence: PlateauEvidence | None, *, vanished: bool = False) -> Assessment:
    have, need = (evidence.n, evidence.need) if evidence else (100, 400)
    return Assessment(5000, have, need, 1, 900, 1000, evidence, vanished=vanished)


@pytest.mark.parametrize(
    ("evidence", "state", "why"),
    [
        (None, "UNDECIDED", "short"),
        (FLAT, "PLATEAU", ""),
        (FALLS, "DESCENDING", ""),
        (RISES, "UNDECIDED", "rising"),
        (NOISY, "UNDECIDED", "flat"),
    ],
)
def test_what_the_evidence_speaks_for(evidence: PlateauEvidence | None, state: str, why: str) -> None:
    assert propose(_found(evidence), "UNDECIDED") == (state, why)


def test_a_vanished_gradient_makes_a_plateau_a_stationary_point() -> None:
    assert propose(_found(FLAT, vanished=True), "UNDECIDED") == ("STATIONARY-POINT", "")
    assert propose(_found(FALLS, vanished=True), "UNDECIDED") == ("DESCENDING", "")


THERE = TrueGradient(Few(0.09, 0.01, 30.0, 40), (0.9, 0.05), 0.9)
NOT_TOLD = TrueGradient(Few(0.02, 0.01, 30.0, 40), (0.9, 0.05), 0.9)
GONE = TrueGradient(Few(0.0005, 0.0001, 30.0, 40), (0.9, 0.05), 0.9)
TOO_SMALL = TrueGradient(Few(0.002, 0.0001, 30.0, 40), (0.9, 0.05), 0.9)  # 4.7 %, and within 10 % for sure
NO_SQUARE = TrueGradient(Few(-0.1, 0.001, 30.0, 40), (0.9, 0.05), 0.9)
BALANCED, OFF = Balance(1.02, 0.08, 900), Balance(0.03, 0.01, 900)


def _walk(exponent: float) -> Invariance:
    none = np.empty(0)
    return Invariance(None, (), Displacement(none, none, exponent, 0.03, None, 60), None, None, 60)


@pytest.mark.parametrize(
    ("true", "balance", "exponent", "state"),
    [
        (THERE, BALANCED, 0.5, "PLATEAU-INVARIANT"),
        (THERE, None, 0.0, "PLATEAU-INVARIANT"),
        (THERE, OFF, 0.5, "PLATEAU"),
        (THERE, BALANCED, 1.0, "DRIFTING"),
        (THERE, BALANCED, 1.8, "DRIFTING"),
        (THERE, BALANCED, 0.78, "PLATEAU-INVARIANT"),  # .72 to .84 holds .75
        (NOT_TOLD, BALANCED, 0.5, "PLATEAU"),
        (GONE, BALANCED, 0.5, "STATIONARY-POINT"),
        (GONE, BALANCED, 1.8, "STATIONARY-POINT"),
        (TOO_SMALL, BALANCED, 0.5, "STATIONARY-POINT"),
        (NO_SQUARE, None, 0.5, "PLATEAU"),
        (None, None, 0.5, "PLATEAU"),
        (None, None, 1.0, "DRIFTING"),
    ],
)
def test_what_a_settled_loss_is_depends_on_gradient_balance_and_weights(
    true: TrueGradient | None, balance: Balance | None, exponent: float, state: str
) -> None:
    found = replace(_found(FLAT), true=true, balance=balance, invariance=_walk(exponent))

    assert settled_as(found, "UNDECIDED") == state


@pytest.mark.parametrize(
    ("true", "state"),
    [(THERE, "PLATEAU-INVARIANT"), (NOT_TOLD, "STATIONARY-POINT"), (NO_SQUARE, "STATIONARY-POINT")],
)
def test_a_small_gradient_of_batches_counts_where_the_one_without_noise_cannot_tell(
    true: TrueGradient, state: str
) -> None:
    assert settled_as(replace(_found(FLAT, vanished=True), true=true), "UNDECIDED") == state


def test_an_equilibrium_lasts_until_its_gradient_is_not_even_one_error_above_zero() -> None:
    weak = replace(_found(FLAT), true=NOT_TOLD)

    assert settled_as(weak, "PLATEAU-INVARIANT") == "PLATEAU-INVARIANT"
    assert settled_as(weak, "PLATEAU") == "PLATEAU"


def test_two_looks_that_agree_on_a_settled_loss_but_not_on_what_it_is_make_a_plateau_first() -> None:
    plain, invariant = _found(FLAT), replace(_found(FLAT), true=THERE)

    first = settle(Standing(), plain)
    second = settle(first, invariant)
    third = settle(second, invariant)

    assert [one.state for one in (first, second, third)] == ["UNDECIDED", "PLATEAU", "PLATEAU-INVARIANT"]
    assert third.since == second.since == 1000
    assert settle(settle(Standing(), invariant), invariant).state == "PLATEAU-INVARIANT"


def test_what_a_plateau_is_is_told_of_all_of_it() -> None:
    told = Standing("PLATEAU-INVARIANT", "", 700)
    spells = [Spell("DESCENDING", 1, 699), Spell("PLATEAU", 700, 1000)]

    assert ribbon(spells, told, flag="", flagged_from=0, first=1, last=1025) == [
        Spell("DESCENDING", 1, 699),
        Spell("PLATEAU-INVARIANT", 700, 1025),
    ]


DOUBT = replace(FLAT, windows=WindowTest(0.1, 0.02, 1, 1000))
APART = replace(FLAT, windows=WindowTest(0.1, 0.0009, 1, 1000))
LEFT = reweigh(1 - 1e-5 * np.arange(8000) + 0.05 * ar1(0.3, 8000, seed=1), seed=0)
MOVED = replace(FLAT, geweke=4.5)


@pytest.mark.parametrize(
    ("evidence", "current", "state"),
    [
        (DOUBT, "UNDECIDED", "UNDECIDED"),
        (DOUBT, "PLATEAU", "PLATEAU"),
        (APART, "PLATEAU", "UNDECIDED"),
        (MOVED, "PLATEAU", "UNDECIDED"),
        (LEFT, "PLATEAU", "DESCENDING"),
        (NOISY, "PLATEAU", "PLATEAU"),
    ],
)
def test_leaving_a_plateau_takes_more_than_not_entering_it(
    evidence: PlateauEvidence, current: State, state: str
) -> None:
    assert propose(_found(evidence), current)[0] == state


def test_a_state_changes_when_two_in_a_row_agree() -> None:
    once = settle(Standing(), _found(FLAT))
    interrupted = settle(once, _found(FALLS))

    assert (once.state, settle(once, _found(FLAT)).state) == ("UNDECIDED", "PLATEAU")
    assert (interrupted.state, settle(interrupted, _found(FLAT)).state) == ("UNDECIDED", "UNDECIDED")


def test_a_plateau_counts_from_its_onset_and_keeps_it() -> None:
    settled = settle(settle(Standing(), _found(FLAT)), _found(FLAT))
    later = settle(settled, replace(_found(FLAT), first_step=2000))

    assert (settled.since, later.since) == (1000, 1000)


def test_a_descent_counts_from_the_start_of_its_window() -> None:
    assert settle(settle(Standing(), _found(FALLS)), _found(FALLS)).since == 900


def test_a_plateau_in_doubt_for_a_while_counts_from_where_the_ribbon_has_it() -> None:
    spells = [Spell("DESCENDING", 1, 500), Spell("PLATEAU", 501, 1500), Spell("UNDECIDED", 1501, 1700)]

    assert joined(Standing("PLATEAU", "", 1400), spells).since == 501
    assert joined(Standing("PLATEAU", "", 1600), spells).since == 1600
    assert joined(Standing("DESCENDING", "", 1400), spells).since == 1400


def test_a_plateau_does_not_count_from_before_the_last_change() -> None:
    before = [Spell("PLATEAU", 501, 1500)]
    through = [Spell("PLATEAU", 501, 1700)]

    assert joined(Standing("PLATEAU", "", 1501), before, reset=1501).since == 1501
    assert joined(Standing("PLATEAU", "", 1650), through, reset=1501).since == 1501
    assert joined(Standing("PLATEAU", "", 1501), before).since == 501


SPELLS = [Spell("DESCENDING", 1, 800), Spell("UNDECIDED", 801, 1000)]


def test_a_plateau_reaches_back_to_its_onset_but_not_beyond_the_last_change() -> None:
    plateau = Standing("PLATEAU", "", 700)

    back = ribbon(SPELLS, plateau, flag="", flagged_from=0, first=1, last=1025)
    bounded = ribbon(SPELLS, plateau, flag="", flagged_from=0, first=801, last=1025)

    assert back == [Spell("DESCENDING", 1, 699), Spell("PLATEAU", 700, 1025)]
    assert bounded == [Spell("DESCENDING", 1, 800), Spell("PLATEAU", 801, 1025)]


def test_a_flag_covers_the_state_from_its_first_step() -> None:
    flagged = ribbon(SPELLS, Standing(), flag="NONFINITE", flagged_from=1010, first=1, last=1025)

    assert flagged[-1] == Spell("NONFINITE", 1001, 1025)
    assert ribbon(SPELLS, Standing(), flag="NONFINITE", flagged_from=900, first=1, last=1025)[-1].first == 900
