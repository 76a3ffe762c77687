"""Takes a spool's batches to the server, in order, each until it is acknowledged or refused for good."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ergoscope.sidecar.delivery import Delivery, Outcome
from ergoscope.sidecar.spool import (
    Frame,
    Place,
    frames,
    read_delivered,
    segment_path,
    segments,
    write_delivered,
)
from ergoscope_contract.records import Event
from ergoscope_contract.slices import SliceRequest

REFUSED = "refused"
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 2.0  # a server that was started again should be found soon
GRACE_S = 5.0  # that a server which answered before may be away and still counts as there
QUIET_S = 10.0  # between two events about refusals; the log has all of them
REASONS = 10_000  # why values were refused, kept so that each is told once
_log = logging.getLogger("ergoscope.sidecar")


def pause(failures: int, chance: float) -> float:
    """Give the seconds to wait after so many failures in a row: doubling, capped, spread by `chance` in [0, 1).

    Example:
        >>> pause(1, 0.0), pause(1, 1.0), pause(99, 1.0)
        (0.05, 0.1, 2.0)
    """
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures - 1, 16))
    return longest * (0.5 + 0.5 * chance)


def refused_batches(folder: Path) -> int:
    """Count the batches of a spool that were set aside."""
    return len(list((folder / REFUSED).glob("*.batch")))


class Courier:
    """Delivers one spool, and hands on what the server asks of the job.

    reachable: whether there is a server that takes batches, or asks to wait with them; None before the first try.
    barred: why the server does not let us in; empty while it does.
    failures: deliveries in a row that must be tried again.
    dropped: batches that nobody wants any more, since their run was deleted.
    """

    def __init__(
        self,
        folder: Path,
        delivery: Delivery,
        *,
        keep: bool,
        chance: Callable[[], float],
        tell: Callable[[Event], None],
        clock: Callable[[], float],
        ask: Callable[[Sequence[SliceRequest]], None] = lambda _: None,
    ) -> None:
        self._folder, self._delivery, self._keep = folder, delivery, keep
        self._chance, self._tell, self._clock, self._ask = chance, tell, clock, ask
        self._place = read_delivered(folder)
        self._told = -QUIET_S
        self._reasons: set[str] = set()  # that were told
        self._answered_at: float | None = None
        self.reachable: bool | None = None
        self.barred = ""
        self.failures = 0
        self.dropped = 0
        self.reason = ""

    @property
    def seq(self) -> int:
        """The number of the next batch to deliver."""
        return self._place.seq

    def refresh(self) -> None:
        """Go on where another sender of the same spool has stopped."""
        place = read_delivered(self._folder)
        if place.seq > self._place.seq:
            self._place = place

    def deliver_some(self, stop: Callable[[], bool]) -> float:
        """Deliver what is on disk until there is nothing more, a delivery must be tried again, or `stop` says so.

        Returns:
            Seconds to wait before the next try; 0 when everything was delivered.
        """
        for frame in frames(self._folder, self._place):
            if stop():
                return 0.0
            outcome = self._delivery.send(frame.data)
            if outcome.kind == "later":
                return self._wait_for(outcome)
            self._note_answer()
            if outcome.kind == "refused":
                self._set_aside(frame, outcome.reason)
            elif outcome.kind == "deleted":
                self._drop(outcome.reason)
            else:
                self._ask(outcome.requests)
                if outcome.refusals:
                    self._tell_refusals(outcome)
            self._pass(frame.after)
        return 0.0

    def _wait_for(self, outcome: Outcome) -> float:
        self.failures += 1
        self.barred = outcome.reason if outcome.barred else ""
        if outcome.wait_s:  # it answered, and wants the batch later: that may last longer than the grace
            self._answered_at = self._clock()
        self.reachable = self._answered_at is not None and self._clock() - self._answered_at < GRACE_S
        if outcome.reason != self.reason:
            _log.warning("not delivered yet: %s", outcome.reason)
            self.reason = outcome.reason
        return max(outcome.wait_s, pause(self.failures, self._chance()))

    def _note_answer(self) -> None:
        if self.failures:
            _log.info("delivering again after %d tries", self.failures)
        self.failures, self.reachable, self.reason, self.barred = 0, True, "", ""
        self._answered_at = self._clock()

    def _pass(self, place: Place) -> None:
        done = place.segment != self._place.segment and not self._keep
        self._place = place
        if done:  # first of all, since it makes room on a full disk
            for first in segments(self._folder):
                if first < place.segment:
                    segment_path(self._folder, first).unlink(missing_ok=True)
        write_delivered(self._folder, place)

    def _set_aside(self, frame: Frame, reason: str) -> None:
        """Keep a batch that the server will never take, with its reason, and go on with the next."""
        _log.error("batch %d was refused: %s", frame.seq, reason)
        aside = self._folder / REFUSED
        aside.mkdir(exist_ok=True)
        (aside / f"{frame.seq:012d}.batch").write_bytes(frame.data)
        (aside / f"{frame.seq:012d}.json").write_bytes(msgspec.json.encode({"seq": frame.seq, "reason": reason}))
        self._report(f"batch {frame.seq} was refused and set aside: {reason}")

    def _drop(self, reason: str) -> None:
        """Let a batch go, as its owner has let its run go; what is kept of it would only fill the disk."""
        if not self.dropped:
            _log.error("this batch and all after it are dropped: %s", reason)
        self.dropped += 1

    def _tell_refusals(self, outcome: Outcome) -> None:
        """Tell what was not kept, of each reason once: a series too many is refused in every batch."""
        fresh = [refusal for refusal in outcome.refusals if refusal.reason not in self._reasons]
        if not fresh:
            return
        if len(self._reasons) + len(fresh) <= REASONS:
            self._reasons.update(refusal.reason for refusal in fresh)
        text = f"{len(outcome.refusals)} values were refused, first {fresh[0].where}: {fresh[0].reason}"
        _log.warning("%s", text)
        self._report(text)

    def _report(self, text: str) -> None:
        now = self._clock()
        if now - self._told >= QUIET_S:
            self._told = now
            self._tell(Event(kind="refused", wall=now, text=text))
