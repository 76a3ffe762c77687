"""From ring to spool: read, gather, write, and only then let the job use the space again."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from ergoscope.manifest import Manifest
from ergoscope.sidecar.batches import Gathering
from ergoscope.sidecar.reader import RingReader
from ergoscope.sidecar.spool import SpoolWriter
from ergoscope.sidecar.tables import TableFile
from ergoscope.stream.entries import Kind
from ergoscope.stream.ring import ReaderState, Ring, Word
from ergoscope_contract.codec import encode
from ergoscope_contract.records import Attempt, Ending, Event, JsonObject, Pulse

BATCH_BYTES = 256 * 1024
BATCH_S = 0.5
PULSE_S = 1.8  # a sign of life at least every two seconds
LOST_S = 10.0  # between two events about lost records
Closed = Literal["", "finished", "failed"]
_CLOSED: tuple[Closed, ...] = ("", "finished", "failed")


class Recorder:
    """One attempt's ring and spool. Every method may raise OSError when the disk is full, and may be called again."""

    def __init__(self, folder: Path, manifest: Manifest, ring: Ring, *, clock: Callable[[], float]) -> None:
        self._manifest, self._ring, self._clock = manifest, ring, clock
        self._tables = TableFile(folder)
        self._spool = SpoolWriter(folder, clock=clock)
        self._gathering = Gathering(self._tables.tables)
        self._reader = RingReader(ring, start=self._spool.upto, clock=clock)
        self._told: deque[Event] = deque()  # from other threads
        self._described: Attempt | None = None  # likewise
        self._ready: tuple[bytes, int] | None = None  # a batch that the disk has not taken yet
        self._since = self._flushed = clock()
        self._lost, self._lost_told = 0, -LOST_S
        last = ring.words[Word.LAST_STEP]
        self.last_step: int | None = last - 1 if last else None
        ring.words[Word.READER_STATE] = ReaderState.READING

    @property
    def seq(self) -> int:
        """The number of the next batch to write."""
        return self._spool.seq

    def tell(self, event: Event) -> None:
        """Add an event of our own; from any thread."""
        self._told.append(event)

    def describe(self, found: JsonObject) -> None:
        """Add to what the attempt says of its system; from any thread, sent with the next batch."""
        known = self._manifest.attempt
        self._described = msgspec.structs.replace(known, system={**known.system, **found})

    @property
    def closed(self) -> Closed:
        """How the job said that it ended, once everything before that was read; empty before."""
        word = self._ring.words[Word.CLOSED]
        return _CLOSED[word] if word and not self._reader.behind else ""

    def step(self) -> None:
        """Read what is there; write a batch when one is due."""
        while True:
            before = self._reader.position
            self._read()
            if self._gathering.size >= BATCH_BYTES:
                self.flush()
            if self._reader.position == before:
                break
        now = self._clock()
        gathered = self._gathering.size or self._told or self._described is not None
        if not gathered:
            self._since = now
        due = gathered and now - self._since >= BATCH_S
        if due or self._ready or not self._spool.seq or now - self._flushed >= PULSE_S:
            self.flush()

    def _read(self) -> None:
        if self._ready:
            self.flush()
        for kind, payload in self._reader.records(max(BATCH_BYTES - self._gathering.size, 1)):
            if kind == Kind.KEYS:
                self._tables.keep(payload)
            self._gathering.add(kind, payload)

    def flush(self, *, ended: Ending | None = None) -> None:
        """Write what was gathered as one batch."""
        if self._ready is None:
            self._ready = self._pack(ended), self._reader.position
        data, upto = self._ready
        self._tables.save()
        self._spool.append(data, upto=upto)
        self._ready = None
        self._reader.release()
        self._ring.words[Word.LAST_STEP] = 0 if self.last_step is None else max(self.last_step + 1, 0)
        self._since = self._flushed = self._clock()

    def _pack(self, ended: Ending | None) -> bytes:
        now = self._clock()
        step = self._gathering.last_step
        if step is not None:
            self.last_step = step if self.last_step is None else max(step, self.last_step)
        if ended is not None:
            ended = msgspec.structs.replace(ended, last_step=self.last_step)
        self._count_lost(now)
        while self._told:
            self._gathering.add_record(self._told.popleft())
        pulse = Pulse(wall=now, last_step=self.last_step, lost=self._lost)
        run, attempt = self._manifest.run, self._manifest.attempt
        described, self._described = self._described, None
        batch = self._gathering.take(self._spool.seq, run, attempt, pulse, ended=ended, about_attempt=described)
        return encode(batch)

    def _count_lost(self, now: float) -> None:
        lost = self._ring.words[Word.LOST] + self._reader.damaged + self._gathering.strays
        if lost > self._lost and now - self._lost_told >= LOST_S:
            text = f"{lost - self._lost} records were lost on their way out of the job, {lost} since it began"
            self.tell(Event(kind="lost", wall=now, step=self.last_step, text=text))
            self._lost_told = now
        self._lost = lost

    def end(self, how: Literal["finished", "failed", "crashed"], *, reason: str = "") -> None:
        """Read and write all that is left, and the ending; the ring is not needed afterwards.

        Args:
            how: How the job ended, unless the job left its own word on that.
            reason: Why, in words.
        """
        self._reader.patience_s = 0.0  # nobody is left who could complete a record
        while self._reader.behind:
            self.step()
        if self._ready:
            self.flush()
        said = self._gathering.ending
        self.flush(ended=said or Ending(how=how, wall=self._clock(), reason=reason))
        self._spool.mark_ended()
        self._ring.unlink()
        self._ring.words[Word.READER_STATE] = ReaderState.SPOOLED

    def close(self) -> None:
        """Close the files."""
        self._spool.close()
        self._tables.close()
