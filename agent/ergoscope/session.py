"""The life of one run in its process: open, log, finish; nothing here raises into training."""

import contextlib
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol

import msgspec

from ergoscope.capture import mask_object, source
from ergoscope.config import Config
from ergoscope.lifetime.companion import Companion
from ergoscope.lifetime.exits import ExitWatch, describe
from ergoscope.lifetime.notebook import CellWatch, running_cell, running_shell
from ergoscope.lifetime.signals import note_signals
from ergoscope.lifetime.status import await_status
from ergoscope.manifest import Manifest
from ergoscope.process import birth
from ergoscope.settings import Settings
from ergoscope.stream.feed import Feed, Nowhere
from ergoscope.stream.ring import ReaderState, Ring, Word
from ergoscope.stream.rows import APART, read_row, read_step, set_apart
from ergoscope.voice import Voice
from ergoscope_contract.records import Attempt, Ending, Event
from ergoscope_contract.records import Run as RunRecord

TABLES_AT_MOST = 4096  # remembered sets of keys; a job that never logs the same keys twice must not grow
ANSWER_S = 1.0


class Taps(Protocol):
    """What a run needs to know of the hooks on its model."""

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        ...

    def detach(self) -> None:
        """Remove the hooks and hand over what is still held back."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """The way from a run to its sidecar: the spool's folder, the ring, and who reads it."""

    folder: Path
    ring: Ring
    companion: Companion


class Run:
    """A run that is being recorded. `ergoscope.init` and `ergoscope.watch` make it.

    id, name, project: who it is. url: where its page is. config: its configuration; changes are sent. cell: the
    notebook's cell that began it.
    Usable as a context: an exception that leaves it ends the run as failed.
    """

    def __init__(
        self, settings: Settings, record: RunRecord, attempt: Attempt, feed: Feed | Nowhere, line: Line | None
    ) -> None:
        self.id, self.name, self.project = record.id, record.name, record.project
        self.url = f"{settings.base_url.rstrip('/')}/runs/{record.id}"
        self.config = Config(record.config, changed=self._tell_about)
        self._settings, self._record, self._attempt = settings, record, attempt
        self._feed, self._line = feed, line
        self._voice = Voice(silent=settings.silent)
        self._exits = ExitWatch(self._leave)
        self._cells: CellWatch | None = None
        self.cell = running_cell()
        self._taps: Taps | None = None
        self._tables: dict[tuple[str, ...], int] = {}
        self._next_step = 0 if record.fork is None else record.fork.step + 1
        self._owner = os.getpid()
        self._open = True
        self._unsure = False  # whether the exit status may still say that it failed
        self._started = False

    @property
    def outlet(self) -> Feed | Nowhere:
        """Where probes hand over what they measured."""
        return self._feed

    @property
    def settings(self) -> Settings:
        """How the run is recorded."""
        return self._settings

    @property
    def folder(self) -> Path | None:
        """Where its spool is; None when the run is disabled."""
        return self._line.folder if self._line else None

    @property
    def open(self) -> bool:
        """Whether it still records: not after `finish`, and never in a forked child."""
        return self._open and os.getpid() == self._owner

    @property
    def parting(self) -> str:
        """Why the interpreter is about to end, where something went wrong and that is known."""
        return self._exits.reason

    def start(self, *, taps: Taps | None = None, parts: int = 1) -> "Run":
        """Start the sidecar and say where the run can be seen; `taps` counts the steps from now on.

        Args:
            taps: The hooks on the model.
            parts: Processes that hold a part of the model, see `Attempt`.
        """
        self._taps = taps
        self._attempt = msgspec.structs.replace(self._attempt, parts=parts)
        if self._line is None:
            return self
        self._started = True
        self._write_manifest(self._line)
        self._exits.install()
        note_signals(self._line.folder)
        shell = running_shell()
        if shell is not None:
            words = self._line.ring.words
            self._cells = CellWatch(shell, note=self._exits.note, position=lambda: words[Word.WRITTEN])
        trouble = self._line.companion.start()
        self._feed.attend(partial(self._line.companion.tend, self._tell_agent, self._voice))
        if trouble:
            self._voice.say(f"nothing is sent: {trouble}. It is kept in {self._line.ring.path}")
        elif self._settings.mode == "offline":
            self._voice.say(f"offline: run {self.name} is kept in {self._line.folder}; {self._sync_line()}")
        else:
            self._announce(self._line)
        return self

    def _write_manifest(self, line: Line) -> None:
        Manifest(
            run=self._current(),
            attempt=self._attempt,
            birth=birth(self._owner),
            ring=str(line.ring.path),
            mode="offline" if self._settings.mode == "offline" else "online",
            base_url=self._settings.base_url,
            give_up_s=self._settings.give_up_s,
            keep_spool=self._settings.keep_spool,
            source=source(sys.argv, save_code=self._settings.save_code) if not self._attempt.rank else None,
        ).write(line.folder)

    def _announce(self, line: Line) -> None:
        if self._settings.silent:
            return  # nobody to tell, so nothing to wait for
        if line.companion.wait_for_answer(ANSWER_S) is False and not line.companion.say_barred(self._voice):
            self._voice.say(
                f"no server answers at {self._settings.base_url}: everything is kept in {line.folder} and sent "
                f"when one does; later: {self._sync_line()}"
            )
        self._voice.say(f"run {self.name}: {self.url}")

    def _sync_line(self) -> str:
        return f"ergoscope sync {self._line.folder}" if self._line else ""

    def log(self, data: Mapping[str, object], step: int | None = None) -> None:
        """Record a row of numbers; costs microseconds, never waits and never raises.

        Args:
            data: Names and numbers: Python's, numpy's, or tensors of one element; dictionaries inside are joined
                with "/". NaN and infinities are recorded. What is no number is refused alone, with one line that
                says so. Where a model is watched, a name that is measured as well, such as "loss", is kept as
                "logged/loss".
            step: The row's step; may repeat or go back. Without it, the watched optimizer's steps, or, when nothing
                is watched, one more than the last.
        """
        if not self._open or os.getpid() != self._owner:
            return
        try:
            self._log(data, step)
        except Exception as error:
            self._voice.once("log", f"a row could not be recorded: {describe(error)}; give a dictionary of numbers")

    def _log(self, data: Mapping[str, object], step: int | None) -> None:
        row = read_row(data)
        if row.keys:
            table = self._tables.get(row.keys)
            if table is None:
                table = self._register(row.keys)
            number = self._step(step)
            self._next_step = number + 1
            self._feed.row(table, number, row.values.tobytes(), dtype="f8")
        if row.refused:
            self._refuse(row.refused)

    def _register(self, keys: tuple[str, ...]) -> int:
        if len(self._tables) >= TABLES_AT_MOST:
            self._tables.clear()
        names = [str(key) for key in keys]
        apart = names if self._taps is None else set_apart(names)
        for name, other in zip(names, apart, strict=True):
            if name != other:
                self._voice.once("apart", APART.format(name, other))
                break
        table = self._tables[keys] = self._feed.table(apart)
        return table

    def _step(self, given: object) -> int:
        if given is not None:
            if (step := read_step(given)) is not None:
                return step
            self._voice.once("step", f"step is {given!r:.60}; it must be an integer. The default is used instead")
        return self._next_step if self._taps is None else self._taps.step

    def _tell_agent(self, text: str) -> None:
        self._feed.record(Event(kind="agent", wall=time.time(), text=text))

    def _refuse(self, refused: Mapping[str, str]) -> None:
        key, seen = next(iter(refused.items()))
        text = f"{key} was not recorded: {seen}; allowed are numbers, also NaN and infinite ones, one each"
        if self._voice.once("refused", f"{text}. The rest of the row is kept; this is said once"):
            self._tell_agent(text)

    def alert(self, title: str, text: str = "", *, level: Literal["info", "warn", "crit"] = "info") -> None:
        """Mark something on the run's charts and in its list of events."""
        if self.open:
            words = f"{title}: {text}" if text else str(title)
            step = self._taps.step if self._taps else (self._next_step - 1 if self._next_step else None)
            self._feed.record(Event(kind="alert", wall=time.time(), step=step, text=words, data={"level": level}))

    def finish(self, *, reason: str = "") -> None:
        """End the run: everything is on disk and, when the server answers, delivered, or the wait is over.

        Args:
            reason: Why it failed; empty when it did not.
        """
        if not self.open:
            return
        self._open = False
        self._exits.remove()
        if self._cells:
            self._cells.remove()
        try:
            self._finish("failed" if reason else "finished", reason)
        except Exception as error:
            self._voice.say(f"the run could not be ended properly: {describe(error)}")

    def _finish(self, how: Literal["finished", "failed"], reason: str) -> None:
        taps, self._taps = self._taps, None  # and with it what measures keep, vectors among it
        if taps is not None:
            taps.detach()
        deadline = time.monotonic() + self._settings.finish_wait_s
        self._feed.settle(self._settings.finish_wait_s)
        self._feed.end(Ending(how=how, wall=time.time(), reason=reason))
        if self._line is None or not self._started:
            return
        online = self._settings.mode == "online"
        state = self._line.companion.wait_for_end(max(deadline - time.monotonic(), 0.0), online=online)
        named = f"run {self.name} {'ended' if self._unsure else how}"
        if state == ReaderState.DELIVERED:
            self._voice.say(f"{named}: {self.url}")
        else:
            whereabouts = "is kept in" if state == ReaderState.SPOOLED else "is still being written to"
            self._voice.say(f"{named} and {whereabouts} {self._line.folder}; {self._sync_line()}")

    def abandon(self) -> None:
        """Take back a run that never started, with everything on disk."""
        self._open = False
        if self._line is not None and not self._started:
            self._line.ring.unlink()
            self._line.folder.rmdir()
            with contextlib.suppress(OSError):  # another attempt's folder may be there
                self._line.folder.parent.rmdir()

    def _leave(self, reason: str) -> None:
        if self.open and self._line is not None and self._exits.unsure:
            self._unsure = await_status(self._line.folder)  # by it the sidecar puts the ending right
        with contextlib.suppress(KeyboardInterrupt):  # the end is in the ring: who is in a hurry need not wait
            self.finish(reason=reason)

    def _current(self) -> RunRecord:
        return msgspec.structs.replace(self._record, config=mask_object(self.config.as_dict()))

    def _tell_about(self) -> None:
        if self.open and self._started:
            self._feed.about(self._current())

    def __enter__(self) -> "Run":
        """Use the run as a context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish; an exception ends the run as failed and goes on."""
        self.finish(reason=describe(error) if error else "")
