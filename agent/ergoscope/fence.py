"""The fence between training and the agent: what fails inside never comes out.

Every entry point of the agent into a training process is a function that `Fence.guard` returns. Its first line is a
test that a tracing compiler folds to "do nothing", so a compiled optimizer is the same with and without the agent.
"""

import os
import threading
import traceback
import weakref
from collections.abc import Callable
from typing import ParamSpec

import torch

P = ParamSpec("P")


class _Busy(threading.local):
    now = False


class Fence:
    """Runs the agent's work so that an error, a re-entrant call or a forked child cannot disturb training.

    An `Exception` inside is counted and reported; after `limit` of them the fence is dead and all its entry points do
    nothing. KeyboardInterrupt and SystemExit pass, as they are meant for the user's program. Work that the agent does
    itself and that comes back to an entry point on the same thread is let through unseen. In a forked child the fence
    is dead from the start.

    Attributes:
        dead: True when the entry points do nothing any more.
        errors: Exceptions caught so far.
        spent: Seconds spent inside entry points so far, on all threads.
    """

    def __init__(self, *, report: Callable[[str, bool], None], clock: Callable[[], float], limit: int = 3) -> None:
        """Open a fence.

        Args:
            report: Called with the error's text and whether it was the last one allowed; may fail, does not matter.
            clock: Seconds that only grow.
            limit: Errors after which the agent is off.
        """
        self.dead = False
        self.errors = 0
        self.spent = 0.0
        self._report = report
        self._clock = clock
        self._limit = limit
        self._busy = _Busy()
        self._pid = os.getpid()
        _close_in_children(self)

    def guard(self, entry: Callable[P, None]) -> Callable[P, None]:
        """Make an entry point of `entry`: same arguments, no result, no error."""
        is_compiling, getpid = torch.compiler.is_compiling, os.getpid
        clock, busy, pid = self._clock, self._busy, self._pid

        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            if is_compiling():
                return
            if self.dead or busy.now or getpid() != pid:
                return
            busy.now = True
            start = clock()
            try:
                entry(*args, **kwargs)
            except Exception as error:
                self._fail(error)
            finally:
                self.spent += clock() - start
                busy.now = False

        return guarded

    def _fail(self, error: Exception) -> None:
        self.errors += 1
        self.dead = self.errors >= self._limit
        try:
            where = traceback.extract_tb(error.__traceback__)[-1]
            self._report(f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})", self.dead)
        except Exception:
            self.dead = True  # an agent that cannot even say what is wrong has no business here


def _close_in_children(fence: Fence) -> None:
    # The registration cannot be taken back, so it must not keep the fence alive.
    seen = weakref.ref(fence)

    def close() -> None:
        mine = seen()
        if mine is not None:
            mine.dead = True

    os.register_at_fork(after_in_child=close)
