"""The way of a batch from its bytes to its receipt."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ergoscope_contract import codec
from ergoscope_contract.answers import Receipt
from ergoscope_contract.errors import ShapeError
from ergoscope_contract.opening import Opened
from ergoscope_contract.records import Batch
from ergoscope_server.gauges import Gauges
from ergoscope_server.ingest.breadth import Breadth
from ergoscope_server.ingest.checks import cap, check
from ergoscope_server.ingest.pressure import Pressure
from ergoscope_server.ingest.rate import Rate
from ergoscope_server.ingest.writer import Writer
from ergoscope_server.logs import note_run
from ergoscope_server.store.arrivals import Arrival

SMALL = 64 * 1024  # decoding less than this is quicker than handing it to another thread


class BarredRunError(RuntimeError):
    """The batch is of a new run that is not let in; it may be later, so the sender keeps it."""


class DeletedRunError(RuntimeError):
    """The batch is of a run that was deleted; nothing of it is taken, now or later."""


@dataclass(frozen=True, slots=True)
class _Checked:
    arrival: Arrival
    values: int
    opened: Opened


class Intake:
    """Decodes, checks and stores batches; answers when they are durable."""

    def __init__(self, writer: Writer, pressure: Pressure, gauges: Gauges, *, breadth: Breadth, rate: Rate) -> None:
        self._breadth, self._rate = breadth, rate
        self._writer = writer
        self._pressure = pressure
        self._gauges = gauges

    @property
    def waiting_bytes(self) -> int:
        """Bytes of points that wait to be written."""
        return self._writer.waiting_bytes

    async def take(self, body: bytes, *, json: bool, hold: Callable[[Arrival], None] | None = None) -> Receipt:
        """Store a batch.

        Args:
            body: The bytes as sent.
            json: They are JSON, not the packed form.
            hold: Sees, in another thread, whether the sender may write it, and raises where not.

        Raises:
            ContractError: it is not a batch, or not one that is understood here.
            BusyError: it cannot be stored now.
            FullError: more waits to be folded than may.
            FastError: its run sends more than it may.
            BarredRunError: its run is new, and its project has as many as it may.
            DeletedRunError: its run was deleted.
        """
        self._pressure.check()
        began = time.perf_counter()
        checked = await self._check(body, json)
        note_run(checked.arrival.run)
        if hold is not None:
            await asyncio.to_thread(hold, checked.arrival)
        self._rate.take(checked.arrival.run, checked.values)
        outcome = await self._writer.write(checked.arrival)
        if outcome.problem:
            raise ShapeError(outcome.problem)
        if outcome.barred:
            self._gauges.batches.labels("barred").inc()
            raise BarredRunError(outcome.barred)
        if outcome.deleted:
            self._gauges.batches.labels("deleted").inc()
            raise DeletedRunError(
                f"run {checked.arrival.run!r} was deleted, and nothing more of it is taken; drop the batch, or send "
                "what is to be kept under the id of a new run"
            )
        duplicate = outcome.number is None
        refused = checked.opened.refused
        self._gauges.acknowledge.observe(time.perf_counter() - began)
        self._gauges.batches.labels("duplicate" if duplicate else "stored").inc()
        self._gauges.refused.inc(len(refused))
        if not duplicate:
            self._count(checked, outcome.lost, size=len(body))
        return Receipt(
            stored=True,
            duplicate=duplicate,
            values=checked.values,
            refused=cap(refused),
            requests=outcome.requests,
        )

    async def _check(self, body: bytes, json: bool) -> _Checked:
        if len(body) >= SMALL:
            return await asyncio.to_thread(lambda: self._look(_open(body, json)))
        opened = _open(body, json)
        if self._breadth.sure(opened.batch.run, opened.batch.keys):
            return _checked(opened, {})
        return await asyncio.to_thread(self._look, opened)  # it may ask the database

    def _look(self, opened: Opened) -> _Checked:
        return _checked(opened, self._breadth.beyond(opened.batch.run, opened.batch.keys))

    def _count(self, checked: _Checked, lost: int, *, size: int) -> None:
        self._gauges.values.inc(checked.values)
        self._gauges.bytes.inc(size)
        self._gauges.lost.inc(lost)
        self._gauges.thinned.inc(_thinned(checked.opened.batch))


def _open(body: bytes, json: bool) -> Opened:
    return codec.accept_json(body) if json else codec.accept(body)


def _checked(opened: Opened, beyond: Mapping[int, str]) -> _Checked:
    arrival, values = check(opened.batch, received=time.time(), refused=opened.refused, beyond=beyond)
    return _Checked(arrival, values, opened)


def _thinned(batch: Batch) -> int:
    """Count the rows that a job says it gave up as nobody read them in time."""
    rows = [event.data.get("rows") for event in batch.events if event.kind == "agent" and "factor" in event.data]
    return sum(number for number in rows if isinstance(number, int) and number > 0)
