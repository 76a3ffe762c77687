"""The ring: what is written is read, what does not fit is counted, nobody waits."""

import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from ergoscope.errors import RingError
from ergoscope.sidecar.reader import RingReader
from ergoscope.stream.ring import HEADER_BYTES, MAGIC, Ring, RingWriter, Word

KIND = 5


@dataclass(frozen=True)
class Usage:
    free: int


def read_all(ring: Ring) -> list[tuple[int, bytes]]:
    reader = RingReader(ring, start=0, clock=lambda: 0.0)
    found = list(reader.records(1 << 30))
    reader.release()
    return found


def test_records_come_out_as_they_went_in_around_many_laps(ring: Ring) -> None:
    writer = RingWriter(ring)
    sizes = [0, 1, 15, 16, 17, 1000, 20_000]

    for lap in range(60):
        records = [(KIND, bytes([lap]) * size) for size in sizes]
        assert all(writer.put(*record) for record in records)
        assert read_all(ring) == records

    assert ring.words[Word.LOST] == 0
    assert ring.words[Word.WRITTEN] > 10 * ring.capacity


def test_a_full_ring_drops_and_counts_and_keeps_what_it_has(ring: Ring) -> None:
    writer = RingWriter(ring)

    fitted = [writer.put(KIND, bytes(1000)) for _ in range(100)]

    kept = ring.capacity // 1024  # 16 bytes of head, rounded up to 16
    assert sum(fitted) == kept
    assert ring.words[Word.LOST] == 100 - kept
    assert len(read_all(ring)) == kept
    assert writer.put(KIND, b"there is room again")


def test_a_record_larger_than_the_ring_is_dropped_and_counted(ring: Ring) -> None:
    assert not RingWriter(ring).put(KIND, bytes(ring.capacity))

    assert ring.words[Word.LOST] == 1


def test_a_record_put_while_another_writes_is_left_to_that_one(ring: Ring) -> None:
    writer = RingWriter(ring)

    with writer._lock:  # somebody is writing
        assert writer.put(KIND, b"left")
        assert ring.words[Word.WRITTEN] == 0
    assert writer.put(KIND, b"next")

    assert read_all(ring) == [(KIND, b"left"), (KIND, b"next")]


def test_names_are_not_left_to_another_writer(ring: Ring) -> None:
    writer = RingWriter(ring)

    with writer._lock:
        assert not writer.put_now(KIND, b"names")

    assert read_all(ring) == []
    assert writer.put_now(KIND, b"names")


def test_more_records_than_a_writer_may_be_left_are_counted(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.stream.ring.WAITING_AT_MOST", 2)
    writer = RingWriter(ring)

    with writer._lock:
        taken = [writer.put(KIND, b"x") for _ in range(3)]

    assert taken == [True, True, False]
    assert ring.words[Word.LOST] == 1


def test_eight_threads_lose_nothing(tmp_path: Path) -> None:
    ring = Ring.create("threads.ring", [tmp_path], capacity=4 << 20)
    writer = RingWriter(ring)

    def write(number: int) -> None:
        for i in range(2000):
            writer.put(KIND, b"%d %d" % (number, i))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = {payload for _, payload in read_all(ring)}
    assert found == {b"%d %d" % (number, i) for number in range(8) for i in range(2000)}
    assert ring.words[Word.LOST] == 0


def test_a_ring_is_made_smaller_rather_than_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tight = tmp_path / "tight"
    tight.mkdir()

    def allocate(handle: int, offset: int, size: int) -> None:
        if size > HEADER_BYTES + (8 << 20):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", allocate)
    monkeypatch.setattr("mmap.mmap", lambda handle, size: bytearray(size))

    ring = Ring.create("a.ring", [tight, tmp_path], capacity=32 << 20)

    assert ring.path == tight / "a.ring"
    assert ring.capacity == 8 << 20
    assert list(tmp_path.glob("*.ring")) == []


def test_most_of_the_free_memory_is_left_to_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage(free=64 << 20))

    ring = Ring.create("a.ring", [tmp_path], capacity=32 << 20)

    assert ring.capacity == 8 << 20


def test_a_folder_that_is_nearly_full_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage(free=4 << 20))

    with pytest.raises(RingError, match=r"no room for the ring: .* \(1 MiB\): only 4 MiB are free"):
        Ring.create("a.ring", [tmp_path], capacity=32 << 20)


def test_no_room_anywhere_is_refused_with_what_was_tried(tmp_path: Path) -> None:
    with pytest.raises(RingError, match=r"no room for the ring: .*absent \(2 MiB\): No such file.*Free 1 MiB"):
        Ring.create("a.ring", [tmp_path / "absent"], capacity=2 << 20)


def test_a_file_that_is_no_ring_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ring"
    path.write_bytes(bytes(HEADER_BYTES + 16))

    with pytest.raises(RingError, match=r"a\.ring is not a ring"):
        Ring.open(path)


def test_an_absent_ring_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RingError, match=r"a\.ring cannot be mapped: .*No such file"):
        Ring.open(tmp_path / "a.ring")


def test_a_ring_of_another_version_is_refused(ring: Ring) -> None:
    ring.words[Word.VERSION] = 9

    with pytest.raises(RingError, match="has ring version 9; read here: 1"):
        Ring.open(ring.path)


def test_both_sides_see_one_ring(ring: Ring) -> None:
    other = Ring.open(ring.path)

    RingWriter(ring).put(KIND, b"seen")

    assert other.words[Word.MAGIC] == MAGIC
    assert read_all(other) == [(KIND, b"seen")]
    assert ring.words[Word.READ] == ring.words[Word.WRITTEN]
    other.close()
