"""From ring to spool: batches when they are due, nothing lost when the disk or a sidecar fails."""

import os
from array import array
from itertools import pairwise
from pathlib import Path

import pytest

from ergoscope.manifest import Manifest
from ergoscope.sidecar.recorder import Recorder
from ergoscope.sidecar.spool import START, ended, frames
from ergoscope.stream.feed import Feed
from ergoscope.stream.ring import ReaderState, Ring, Word
from ergoscope_contract.codec import decode
from ergoscope_contract.columns import unpack
from ergoscope_contract.records import Batch, Ending, Event


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "spool"
    made.mkdir()
    return made


def one(value: float) -> bytes:
    return array("d", [value]).tobytes()


def batches(folder: Path) -> list[Batch]:
    return [decode(frame.data) for frame in frames(folder, START)]


def steps(folder: Path) -> list[int]:
    found = [column for batch in batches(folder) for column in unpack(batch).columns]
    return [step for column in found for step in memoryview(column.steps).cast("q")]


def test_the_first_batch_goes_out_at_once_and_says_who_the_run_is(folder: Path, manifest: Manifest, ring: Ring) -> None:
    recorder = Recorder(folder, manifest, ring, clock=Clock())

    recorder.step()

    (batch,) = batches(folder)
    assert (batch.seq, batch.about, batch.begun) == (0, manifest.run, manifest.attempt)
    recorder.close()


def test_rows_wait_half_a_second_for_company(folder: Path, manifest: Manifest, ring: Ring) -> None:
    clock, feed = Clock(), Feed(ring)
    recorder = Recorder(folder, manifest, ring, clock=clock)
    recorder.step()
    table = feed.table(["x"])

    for clock.now in (1000.1, 1000.2, 1000.45):
        feed.row(table, 1, one(1.0), dtype="f8")
        recorder.step()
    assert len(batches(folder)) == 1
    clock.now = 1000.7
    recorder.step()

    assert len(batches(folder)) == 2
    assert steps(folder) == [1, 1, 1]
    recorder.close()


def test_many_rows_do_not_wait(folder: Path, manifest: Manifest, tmp_path: Path) -> None:
    ring = Ring.create("large.ring", [tmp_path], capacity=4 << 20)
    feed = Feed(ring)
    recorder = Recorder(folder, manifest, ring, clock=Clock())
    table = feed.table([f"k{i}" for i in range(1000)])
    for step in range(100):
        feed.row(table, step, bytes(8000), dtype="f8")

    recorder.step()

    sizes = [sum(len(b.values) for b in batch.blocks) for batch in batches(folder)]
    assert len(sizes) == 3
    assert all(size < 300_000 for size in sizes)
    recorder.close()
    ring.unlink()


def test_a_quiet_job_gives_a_sign_of_life_within_two_seconds(folder: Path, manifest: Manifest, ring: Ring) -> None:
    clock = Clock()
    recorder = Recorder(folder, manifest, ring, clock=clock)
    for tick in range(200):
        clock.now = 1000 + 0.05 * tick
        recorder.step()

    walls = [batch.pulse.wall for batch in batches(folder) if batch.pulse]
    assert max(b - a for a, b in pairwise(walls)) <= 2.0
    recorder.close()


def test_what_was_read_but_not_written_is_read_again_by_the_next_sidecar(
    folder: Path, manifest: Manifest, ring: Ring
) -> None:
    feed = Feed(ring)
    table = feed.table(["x"])
    first = Recorder(folder, manifest, ring, clock=Clock())
    feed.row(table, 1, one(1.0), dtype="f8")
    first.step()  # the first batch
    feed.row(table, 2, one(2.0), dtype="f8")
    first.step()  # read, and not due yet; the sidecar is killed here

    second = Recorder(folder, manifest, ring, clock=Clock())
    feed.row(table, 3, one(3.0), dtype="f8")
    second.end("crashed")

    assert steps(folder) == [1, 2, 3]
    assert [batch.seq for batch in batches(folder)] == list(range(len(batches(folder))))
    first.close()
    second.close()


def test_what_was_written_but_not_released_is_not_doubled(folder: Path, manifest: Manifest, ring: Ring) -> None:
    feed = Feed(ring)
    table = feed.table(["x"])
    feed.row(table, 1, one(1.0), dtype="f8")
    first = Recorder(folder, manifest, ring, clock=Clock())
    first.step()
    first.close()
    ring.words[Word.READ] = 0  # as if it had been killed between writing and releasing

    second = Recorder(folder, manifest, ring, clock=Clock())
    feed.row(table, 2, one(2.0), dtype="f8")
    second.end("crashed")

    assert steps(folder) == [1, 2]
    second.close()


def test_a_full_disk_loses_nothing(
    folder: Path, manifest: Manifest, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, clock = Feed(ring), Clock()
    recorder = Recorder(folder, manifest, ring, clock=clock)
    recorder.step()
    table = feed.table(["x"])
    feed.row(table, 1, one(1.0), dtype="f8")
    recorder.step()
    clock.now += 1
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda handle, data: 3)
        with pytest.raises(OSError, match="bytes were written"):
            recorder.step()
        feed.row(table, 2, one(2.0), dtype="f8")
        with pytest.raises(OSError, match="bytes were written"):
            recorder.step()

    recorder.end("finished")

    assert steps(folder) == [1, 2]
    recorder.close()


def test_a_crash_is_told_with_the_last_step(folder: Path, manifest: Manifest, ring: Ring) -> None:
    feed = Feed(ring)
    feed.row(feed.table(["x"]), 41, one(1.0), dtype="f8")
    recorder = Recorder(folder, manifest, ring, clock=Clock())

    recorder.end("crashed", reason="gone")

    assert batches(folder)[-1].ended == Ending(how="crashed", wall=1000.0, last_step=41, reason="gone")
    assert ended(folder)
    assert not ring.path.exists()
    assert ring.words[Word.READER_STATE] == ReaderState.SPOOLED
    recorder.close()


def test_the_jobs_own_word_on_its_end_is_kept(folder: Path, manifest: Manifest, ring: Ring) -> None:
    feed = Feed(ring)
    recorder = Recorder(folder, manifest, ring, clock=Clock())
    assert not recorder.closed
    feed.end(Ending(how="failed", wall=5.0, reason="ValueError: no"))
    recorder.step()

    assert str(recorder.closed) == "failed"
    recorder.end("crashed")

    assert batches(folder)[-1].ended == Ending(how="failed", wall=5.0, reason="ValueError: no")
    recorder.close()


def test_lost_records_are_counted_in_every_pulse_and_told_once(folder: Path, manifest: Manifest, ring: Ring) -> None:
    clock = Clock()
    recorder = Recorder(folder, manifest, ring, clock=clock)
    recorder.step()
    ring.words[Word.LOST] = 5

    for clock.now in (1002.0, 1004.0):
        recorder.step()

    found = batches(folder)
    assert [batch.pulse.lost for batch in found if batch.pulse] == [0, 5, 5]
    texts = [event.text for batch in found for event in batch.events]
    assert texts == ["5 records were lost on their way out of the job, 5 since it began"]
    recorder.close()


def test_events_of_the_sidecar_itself_are_sent(folder: Path, manifest: Manifest, ring: Ring) -> None:
    clock = Clock()
    recorder = Recorder(folder, manifest, ring, clock=clock)
    recorder.step()

    recorder.tell(Event(kind="refused", wall=1.0, text="no"))
    recorder.step()
    clock.now += 0.6
    recorder.step()

    assert [event.text for event in batches(folder)[-1].events] == ["no"]
    recorder.close()
