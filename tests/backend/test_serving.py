"""How a process is prepared before it serves."""

import gc
import sys
from collections.abc import Iterator

import pytest

from ergoscope_server.serving import TURN_S, settle


@pytest.fixture
def as_it_was() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)
    gc.unfreeze()


@pytest.mark.usefixtures("as_it_was")
def test_threads_take_short_turns_and_what_is_there_is_not_looked_through_again() -> None:
    there = [object()]

    settle()

    assert sys.getswitchinterval() == pytest.approx(TURN_S)
    assert gc.get_freeze_count() > 0
    assert not any(one is there for one in gc.get_objects())
