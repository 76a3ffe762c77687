"""What is counted of batches that are taken in."""

import asyncio
import random
from contextlib import closing
from pathlib import Path

from ergoscope_contract.codec import encode
from ergoscope_contract.records import Batch, Event, Pulse
from ergoscope_server.gauges import Gauges
from ergoscope_server.ingest.breadth import Breadth
from ergoscope_server.ingest.intake import Intake
from ergoscope_server.ingest.pressure import Pressure
from ergoscope_server.ingest.rate import Rate
from ergoscope_server.ingest.writer import Writer
from ergoscope_server.store.store import Store
from tests.backend.places import database_of
from tests.backend.store.batches import batch, line


def _take(folder: Path, *batches: Batch) -> Gauges:
    gauges = Gauges()

    async def take_all(intake: Intake) -> None:
        for one in batches:
            await intake.take(encode(one), json=False)

    with database_of(folder) as url, closing(Store(url)) as store:
        writer = Writer(store, stored=lambda _: None)
        pressure = Pressure(store, gauges, most=1 << 30, chance=random.random)
        intake = Intake(writer, pressure, gauges, breadth=Breadth(store, most=0), rate=Rate(values_s=0))
        asyncio.run(take_all(intake))
        writer.close()
    return gauges


def test_points_bytes_and_outcomes_are_counted_once(tmp_path: Path) -> None:
    one = batch(0, {"x": line(0, 7)})

    known = _take(tmp_path, one, one).registry.get_sample_value

    assert known("ergoscope_batches_total", {"outcome": "stored"}) == 1
    assert known("ergoscope_batches_total", {"outcome": "duplicate"}) == 1
    assert known("ergoscope_values_total") == 7
    assert known("ergoscope_batch_bytes_total") == len(encode(one))


def test_what_jobs_say_they_lost_is_counted_by_what_is_new_of_it(tmp_path: Path) -> None:
    told = [batch(seq, {}, pulse=Pulse(wall=1.0, lost=lost)) for seq, lost in enumerate((0, 3, 3, 10))]

    known = _take(tmp_path, *told, told[1]).registry.get_sample_value

    assert known("ergoscope_lost_records_total") == 10


def test_rows_that_a_job_gave_up_are_counted(tmp_path: Path) -> None:
    events = [
        Event(kind="agent", wall=1.0, text="the sidecar did not keep up", data={"rows": 40, "factor": 4}),
        Event(kind="agent", wall=1.0, text="something else", data={"rows": 7}),
        Event(kind="note", wall=1.0, data={"rows": 7, "factor": 2}),
        Event(kind="agent", wall=1.0, data={"rows": "many", "factor": 2}),
    ]
    plain = batch(0, {})
    told = Batch(1, plain.run, plain.attempt, 0, 0, [], [], events=events)

    assert _take(tmp_path, told, told).registry.get_sample_value("ergoscope_thinned_rows_total") == 40
