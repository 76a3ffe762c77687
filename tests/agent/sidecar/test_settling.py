"""What a spool owes is delivered by hand: after the job, beside it, and after everything was killed."""

import os
import signal
import time
from array import array
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import ergoscope
from ergoscope.manifest import Manifest
from ergoscope.sidecar.delivery import HttpDelivery, Outcome
from ergoscope.sidecar.lock import SENDER, WRITER, FileLock
from ergoscope.sidecar.recorder import Recorder
from ergoscope.sidecar.settling import settle, standing
from ergoscope.stream.feed import Feed
from ergoscope.stream.ring import Ring, Word
from ergoscope_contract.codec import decode
from tests.agent.fake_server import FakeServer

Until = Callable[..., None]
DEAD = 2**22 + 1  # above any process's number
TAKEN = Outcome("delivered")


class Door:
    """Takes everything, or nothing."""

    def __init__(self, *, open_: bool = True, says: Outcome = TAKEN) -> None:
        self.open, self.says = open_, says
        self.batches: list[bytes] = []

    def send(self, data: bytes) -> Outcome:
        if not self.open:
            return Outcome("later", "nobody is there")
        self.batches.append(data)
        return self.says


def settled(folder: Path, door: Door) -> str:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return settle(folder, door, patience_s=5.0, clock=lambda: now[0], sleep=sleep)


@pytest.fixture
def folder(tmp_path: Path, manifest: Manifest, ring: Ring) -> Path:
    """A spool whose job and sidecar were both killed, with one row on disk and one in the ring."""
    made = tmp_path / "spool" / "r1" / "7-0"
    made.mkdir(parents=True)
    attempt = msgspec.structs.replace(manifest.attempt, pid=DEAD, host=os.uname().nodename)
    msgspec.structs.replace(manifest, attempt=attempt).write(made)
    feed = Feed(ring)
    table = feed.table(["x"])
    feed.row(table, 1, array("d", [1.0]).tobytes(), dtype="f8")
    recorder = Recorder(made, Manifest.read(made), ring, clock=lambda: 0.0)
    recorder.step()
    recorder.close()
    feed.row(table, 2, array("d", [2.0]).tobytes(), dtype="f8")
    return made


def test_after_everything_was_killed_ring_and_spool_are_delivered_and_the_crash_is_told(folder: Path) -> None:
    door = Door()
    assert standing(folder).life == "broken off"

    said = settled(folder, door)

    batches = [decode(data) for data in door.batches]
    assert said == "delivered 2 batches"
    assert [len(batch.blocks) for batch in batches] == [1, 1]
    assert batches[-1].ended
    assert (batches[-1].ended.how, batches[-1].ended.last_step) == ("crashed", 2)
    assert not folder.exists()
    assert not folder.parent.exists()


def test_when_the_machine_took_the_ring_along_what_is_on_disk_is_delivered(folder: Path) -> None:
    Path(Manifest.read(folder).ring).unlink()
    door = Door()

    settled(folder, door)

    ending = decode(door.batches[-1]).ended
    assert ending
    assert (len(door.batches), ending.how) == (2, "crashed")
    assert abs(ending.wall - time.time()) < 60


def test_what_nobody_wants_any_more_is_dropped_and_the_spool_goes(folder: Path) -> None:
    door = Door(says=Outcome("deleted", "410 Deleted: run 'r1' was deleted"))

    said = settled(folder, door)

    assert said == "delivered 0 batches; dropped 2, as the run was deleted there"
    assert not folder.exists()


def test_what_is_not_taken_stays_and_is_counted(folder: Path) -> None:
    said = settled(folder, Door(open_=False))

    assert said == "0 batches delivered, the rest not: nobody is there"
    assert (standing(folder).batches, standing(folder).life) == (2, "ended")
    assert settled(folder, Door()) == "delivered 2 batches"


def test_a_spool_that_another_process_sends_is_left_to_it(folder: Path) -> None:
    lock = FileLock(folder / SENDER)
    lock.acquire()

    assert settled(folder, Door()) == "left to its sidecar, which is delivering it"
    assert standing(folder).sending
    lock.release()


def test_a_job_on_another_machine_is_not_taken_for_dead(folder: Path) -> None:
    manifest = Manifest.read(folder)
    msgspec.structs.replace(manifest, attempt=msgspec.structs.replace(manifest.attempt, host="elsewhere")).write(folder)
    door = Door()

    said = settled(folder, door)

    assert said.endswith("the job goes on")
    assert not any(decode(data).ended for data in door.batches)
    assert standing(folder).life == "running"


def test_a_spool_that_a_sidecar_writes_is_delivered_as_far_as_it_is_and_stays(folder: Path) -> None:
    lock = FileLock(folder / WRITER)
    lock.acquire()

    assert settled(folder, Door()) == "delivered 1 batches; the job goes on"
    assert folder.exists()
    lock.release()


def test_refused_batches_stay_with_their_reason(folder: Path) -> None:
    class Strict(Door):
        def send(self, data: bytes) -> Outcome:
            return Outcome("refused", "400 Shape: wrong")

    said = settled(folder, Strict())

    assert said == f"delivered 2 batches; the server refused 2, see {folder / 'refused'}"
    assert standing(folder).refused == 2
    assert standing(folder).batches == 0


def test_an_offline_run_that_is_synced_while_it_runs_is_one_run_without_doubles(
    surroundings: Path, server: FakeServer, until: Until
) -> None:
    run = ergoscope.init(mode="offline", name="off")
    assert run.folder
    for step in range(200):
        run.log({"x": float(step)}, step=step)
    until(lambda: standing(run.folder).batches > 1, what="the spool")
    assert server.posts == 0

    def sync() -> str:
        assert run.folder
        delivery = HttpDelivery(server.url)
        return settle(run.folder, delivery, patience_s=5.0, clock=time.time, sleep=time.sleep)

    first = sync()
    for step in range(200, 400):
        run.log({"x": float(step)}, step=step)
    run.finish()
    until(lambda: not standing(run.folder).sending, what="the sidecar's end")
    second = sync()

    assert first.endswith("the job goes on")
    assert second.startswith("delivered")
    assert server.points("x") == [(step, float(step)) for step in range(400)]
    assert len({key[:3] for key in server.batches}) == 1
    assert len(server.arrivals) == len(server.batches)
    assert [ending.how for ending in server.endings] == ["finished"]


def test_a_sidecar_told_to_leave_writes_down_what_it_has(surroundings: Path, until: Until) -> None:
    run = ergoscope.init(mode="offline", keep_spool=True)
    assert run.folder
    assert run._line
    words = run._line.ring.words
    until(lambda: words[Word.READER_PID], what="the sidecar")
    run.log({"x": 1.0}, step=3)

    os.kill(words[Word.READER_PID], signal.SIGTERM)
    until(lambda: not run._line.companion.alive, what="the sidecar's end")

    assert words[Word.LAST_STEP] == 4
    assert standing(run.folder).life == "running"
    run.finish()
    assert standing(run.folder).life == "ended"
