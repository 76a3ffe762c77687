"""The way of a batch from its bytes to its receipt."""

import asyncio
import time
from dataclasses import dataclass

from ergoscope_contract import codec
from ergoscope_contract.answers import Receipt
from ergoscope_contract.errors import ShapeError
from ergoscope_contract.opening import Opened
from ergoscope_server.gauges import Gauges
from ergoscope_server.ingest.checks import cap, check
from ergoscope_server.ingest.pressure import Pressure
from ergoscope_server.ingest.writer import Writer
from ergoscope_server.store.arrivals import Arrival

SMALL = 64 * 1024  # decoding less than this is quicker than handing it to another thread


@dataclass(frozen=True, slots=True)
class _Checked:
    arrival: Arrival
    values: int
    opened: Opened


class Intake:
    """Decodes, checks and stores batches; answers when they are durable."""

    def __init__(self, writer: Writer, pressure: Pressure, gauges: Gauges) -> None:
        self._writer = writer
        self._pressure = pressure
        self._gauges = gauges

    async def take(self, body: bytes, *, json: bool) -> Receipt:
        """Store a batch.

        Args:
            body: The bytes as sent.
            json: They are JSON, not the packed form.

        Raises:
            ContractError: it is not a batch, or not one that is understood here.
            BusyError: it cannot be stored now.
            FullError: more waits to be folded than may.
        """
        self._pressure.check()
        began = time.perf_counter()
        checked = _open(body, json) if len(body) < SMALL else await asyncio.to_thread(_open, body, json)
        outcome = await self._writer.write(checked.arrival)
        if outcome.problem:
            raise ShapeError(outcome.problem)
        duplicate = outcome.number is None
        refused = checked.opened.refused
        self._gauges.acknowledge.observe(time.perf_counter() - began)
        self._gauges.batches.labels("duplicate" if duplicate else "stored").inc()
        self._gauges.values.inc(0 if duplicate else checked.values)
        self._gauges.refused.inc(len(refused))
        self._gauges.waiting.set(self._writer.waiting_bytes)
        return Receipt(
            stored=True,
            duplicate=duplicate,
            values=checked.values,
            refused=cap(refused),
            requests=outcome.requests,
        )


def _open(body: bytes, json: bool) -> _Checked:
    opened = codec.accept_json(body) if json else codec.accept(body)
    arrival, values = check(opened.batch, received=time.time(), refused=opened.refused)
    return _Checked(arrival, values, opened)
