"""The ribbon has no gaps, and later evidence reaches back only over what was open."""

from itertools import pairwise

import pytest

from ergoscope_contract.answers import Spell
from ergoscope_server.indicators.spells import LIMIT, cut, paint

OPEN = [Spell("DESCENDING", 1, 500), Spell("UNDECIDED", 501, 800)]


def test_the_same_state_goes_on() -> None:
    assert paint(OPEN, "UNDECIDED", first=900, last=900)[-1] == Spell("UNDECIDED", 501, 900)


def test_a_new_state_begins_where_the_last_ended() -> None:
    assert paint(OPEN, "PLATEAU", first=850, last=900)[1:] == [
        Spell("UNDECIDED", 501, 800),
        Spell("PLATEAU", 801, 900),
    ]


def test_a_state_reaches_back_over_what_was_open() -> None:
    painted = paint(OPEN, "PLATEAU", first=300, last=900, over=("UNDECIDED", "DESCENDING"))

    assert painted == [Spell("DESCENDING", 1, 299), Spell("PLATEAU", 300, 900)]


def test_it_does_not_reach_over_what_was_decided() -> None:
    painted = paint(OPEN, "PLATEAU", first=300, last=900, over=("UNDECIDED",))

    assert painted == [Spell("DESCENDING", 1, 500), Spell("PLATEAU", 501, 900)]


def test_two_spells_of_one_state_become_one_when_what_parts_them_goes() -> None:
    painted = paint(OPEN, "DESCENDING", first=450, last=900, over=("UNDECIDED",))

    assert painted == [Spell("DESCENDING", 1, 900)]


def test_the_first_spell_begins_at_its_first_step() -> None:
    assert paint([], "UNDECIDED", first=7, last=25) == [Spell("UNDECIDED", 7, 25)]


@pytest.mark.parametrize(("after", "left"), [(600, [OPEN[0], Spell("UNDECIDED", 501, 600)]), (500, OPEN[:1]), (0, [])])
def test_cut_forgets_what_came_after(after: int, left: list[Spell]) -> None:
    assert cut(OPEN, after=after) == left


def test_a_restless_run_keeps_a_bounded_ribbon_without_gaps() -> None:
    spells: list[Spell] = []
    for k in range(3 * LIMIT):
        spells = paint(spells, ("DESCENDING", "PLATEAU", "UNDECIDED")[k % 3], first=k, last=k)

    assert len(spells) <= LIMIT
    assert all(a.last + 1 == b.first for a, b in pairwise(spells))
    assert (spells[0].first, spells[-1].last) == (0, 3 * LIMIT - 1)
