"""Taking batches in: one transaction numbers them, recognises replays, and keeps the rows of runs and senders."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from sqlalchemy import Connection

from ergoscope_contract.errors import ShapeError
from ergoscope_contract.records import Run
from ergoscope_contract.slices import SliceRequest
from ergoscope_server.store import arrivals, feeds, runs, shapes, slices
from ergoscope_server.store.about import merged
from ergoscope_server.store.arrivals import Arrival
from ergoscope_server.store.feeds import FeedState
from ergoscope_server.store.quiet import usual_gap
from ergoscope_server.store.reduce import ADDED, how
from ergoscope_server.store.runs import RunState

_pack = msgspec.msgpack.encode
_about = msgspec.msgpack.Decoder(Run)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: its number in the run's log, None when it was there already or could not be taken.

    deleted: its run was deleted, and nothing of it is taken any more.
    barred: why its run, which is new, is not let in; it may be later.
    lost: records that its job says no ring had room for, beyond those that it told of before.
    requests: slices of its run that are waited for.
    """

    number: int | None = None
    problem: str = ""
    deleted: bool = False
    barred: str = ""
    lost: int = 0
    requests: list[SliceRequest] = field(default_factory=list)


def accept(connection: Connection, batches: Sequence[Arrival], *, most_runs: int = 0) -> list[Outcome]:
    """Store batches inside the caller's transaction; they are durable when it commits.

    The rows of their runs are locked first, in one order everywhere, so numbers are given without gaps and a reader
    that has seen a number has seen all below it. A project gets `most_runs` runs, or any number where that is 0.
    """
    locked = runs.lock(connection, batches, most=most_runs)
    states = locked.states
    senders = feeds.load(connection, {(b.run, b.attempt, b.rank) for b in batches})
    outcomes: list[Outcome] = []
    taken: list[tuple[int, Arrival]] = []
    for batch in batches:
        if batch.run in states:
            outcome = _take(states[batch.run], senders, batch)
        else:
            barred = locked.barred.get(batch.run, "")
            outcome = Outcome(deleted=not barred, barred=barred)
        outcomes.append(outcome)
        if outcome.number is not None:
            taken.append((outcome.number, batch))
    arrivals.append(connection, taken)
    shapes.write(connection, taken)
    slices.write(connection, taken)
    touched = {(b.run, b.attempt, b.rank) for _, b in taken}
    feeds.save(connection, {key: senders[key] for key in touched})
    _count_senders(connection, states, [key for key in touched if senders[key].fresh])
    _settle(connection, states, taken)
    runs.save(connection, {run: states[run] for run, _, _ in touched})
    waited = slices.read_open(connection, states.keys())
    return [
        replace(outcome, requests=waited.get(batch.run, [])) for outcome, batch in zip(outcomes, batches, strict=True)
    ]


def _take(state: RunState, senders: dict[feeds.Key, FeedState], batch: Arrival) -> Outcome:
    sender = senders.setdefault((batch.run, batch.attempt, batch.rank), FeedState(fresh=True))
    try:
        if not sender.seen.add(batch.seq):
            return Outcome()
    except ShapeError as error:
        return Outcome(problem=str(error))
    if batch.attempt > state.attempt:
        state.attempt, state.status, state.reason, state.last_step = batch.attempt, "running", "", None
        state.archived = 0.0  # nobody sets aside what goes on
    lost = state.lost
    _tell_sender(sender, state, batch)
    _tell_run(state, batch, feeds.parts_of(sender.begun))
    state.cursor += 1
    return Outcome(state.cursor, lost=state.lost - lost)


def _tell_sender(sender: FeedState, state: RunState, batch: Arrival) -> None:
    if batch.begun is not None:
        sender.begun = _pack(batch.begun)
    if batch.last_step is not None:
        sender.last_step = max(batch.last_step, sender.last_step if sender.last_step is not None else batch.last_step)
    if batch.pulse is not None and batch.pulse.lost > sender.lost:
        state.lost += batch.pulse.lost - sender.lost
        sender.lost = batch.pulse.lost
    if batch.ended is not None:
        sender.how, sender.reason = batch.ended.how, batch.ended.reason.replace("\x00", "\ufffd")  # no column holds it
    if sender.last_seen:
        sender.gap = usual_gap(sender.gap, batch.received - sender.last_seen)
    sender.last_seen = max(sender.last_seen, batch.received)


def _tell_run(state: RunState, batch: Arrival, parts: int) -> None:
    newest = batch.attempt == state.attempt
    if batch.about is not None:
        about = merged(_about.decode(state.about), batch.about, newer=newest) if state.about else batch.about
        state.about, state.project, state.name = _pack(about), about.project, about.name
        state.created = about.created
        if about.fork is not None:
            state.fork_run, state.fork_step = about.fork.run, about.fork.step
    if batch.begun is not None and newest and (batch.rank == 0 or not state.system):
        state.system = _pack(batch.begun.system)
    if newest and batch.last_step is not None and (state.last_step is None or batch.last_step > state.last_step):
        state.last_step, state.stepped = batch.last_step, batch.received
    if newest and batch.begun is not None and parts > 1:  # an attempt before may have had the norms whole
        state.latest = _whole(state.latest, parts)
    if newest and batch.rank == 0:
        state.latest.update(batch.latest if parts == 1 else _whole(batch.latest, parts))
    state.gap = usual_gap(state.gap, batch.received - state.last_seen)
    state.last_seen = max(state.last_seen, batch.received)


def _whole(latest: dict[str, float], parts: int) -> dict[str, float]:
    """Leave out norms in parts: of each a rank has one part, which is not the norm."""
    return {key: value for key, value in latest.items() if how(key, parts=parts) not in ADDED}


def _count_senders(connection: Connection, states: dict[str, RunState], fresh: Iterable[feeds.Key]) -> None:
    for run in {key[0] for key in fresh}:
        states[run].attempts, states[run].ranks = feeds.count(connection, run, states[run].attempt)


def _settle(connection: Connection, states: dict[str, RunState], taken: Iterable[tuple[int, Arrival]]) -> None:
    """Say how the newest attempt ended, once all its ranks have said so, or as soon as one went wrong."""
    for run in {batch.run for _, batch in taken if batch.ended is not None}:
        state = states[run]
        endings = feeds.endings(connection, run, state.attempt)
        wrong = [(how, reason) for how, reason in endings if how in ("crashed", "failed")]
        if wrong:
            state.status, state.reason = min(wrong)
        elif endings and all(how for how, _ in endings):
            state.status, state.reason = "finished", endings[0][1]
