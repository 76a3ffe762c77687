"""What is on disk survives torn tails, and is found again by number and place."""

import os
from pathlib import Path

import pytest

from ergoscope.errors import SpoolError
from ergoscope.sidecar.spool import (
    START,
    Place,
    SpoolWriter,
    frames,
    read_delivered,
    segment_path,
    segments,
    undelivered,
    write_delivered,
)


def written(folder: Path, *batches: bytes) -> SpoolWriter:
    spool = SpoolWriter(folder, clock=lambda: 0.0)
    for i, data in enumerate(batches):
        spool.append(data, upto=100 * (i + 1))
    return spool


def test_batches_come_back_in_order_with_their_numbers(tmp_path: Path) -> None:
    written(tmp_path, b"a", b"bb", b"ccc").close()

    found = [(frame.seq, frame.upto, frame.data) for frame in frames(tmp_path, START)]

    assert found == [(0, 100, b"a"), (1, 200, b"bb"), (2, 300, b"ccc")]


@pytest.mark.parametrize("torn", [1, 5, 23, 25])
def test_a_torn_tail_is_cut_off_and_its_number_given_again(torn: int, tmp_path: Path) -> None:
    written(tmp_path, b"first", b"torn").close()
    path = segment_path(tmp_path, 0)
    os.truncate(path, path.stat().st_size - torn)

    again = SpoolWriter(tmp_path, clock=lambda: 0.0)

    assert (again.seq, again.upto) == (1, 100)
    again.append(b"new", upto=150)
    assert [frame.data for frame in frames(tmp_path, START)] == [b"first", b"new"]
    again.close()


def test_a_damaged_frame_is_not_read(tmp_path: Path) -> None:
    written(tmp_path, b"first", b"second").close()
    path = segment_path(tmp_path, 0)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    assert [frame.data for frame in frames(tmp_path, START)] == [b"first"]


def test_segments_follow_each_other_and_a_reader_follows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.sidecar.spool.SEGMENT_BYTES", 60)
    written(tmp_path, *(b"%02d" % i * 10 for i in range(6))).close()

    assert segments(tmp_path) == [0, 2, 4, 6]
    assert [frame.seq for frame in frames(tmp_path, START)] == list(range(6))
    assert [frame.seq for frame in frames(tmp_path, Place(2, 0, 2))] == [2, 3, 4, 5]


def test_an_empty_last_segment_goes_on_with_the_number_and_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ergoscope.sidecar.spool.SEGMENT_BYTES", 10)
    written(tmp_path, b"fills a segment").close()

    again = SpoolWriter(tmp_path, clock=lambda: 0.0)

    assert (again.seq, again.upto) == (1, 100)
    again.close()


def test_a_number_that_reached_the_server_is_not_given_twice(tmp_path: Path) -> None:
    written(tmp_path, b"a").close()
    write_delivered(tmp_path, Place(0, 0, 5))  # the machine went down before four batches were on disk

    again = SpoolWriter(tmp_path, clock=lambda: 0.0)

    assert again.seq == 5
    again.close()


def test_a_reader_whose_segment_was_removed_goes_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ergoscope.sidecar.spool.SEGMENT_BYTES", 60)
    written(tmp_path, *(b"%02d" % i * 10 for i in range(4))).close()
    segment_path(tmp_path, 0).unlink()

    assert [frame.seq for frame in frames(tmp_path, START)] == [2, 3]


def test_a_disk_that_takes_half_leaves_nothing_of_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = written(tmp_path, b"first")
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:7]))

    with pytest.raises(OSError, match="7 of 30 bytes were written"):
        spool.append(b"second", upto=200)
    monkeypatch.undo()
    spool.append(b"second", upto=200)

    assert [frame.data for frame in frames(tmp_path, START)] == [b"first", b"second"]
    spool.close()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match=r"000000000000\.spool cannot be written: No such file"):
        SpoolWriter(tmp_path / "absent", clock=lambda: 0.0)


def test_what_is_owed_is_what_lies_after_the_delivered_place(tmp_path: Path) -> None:
    written(tmp_path, b"a", b"bb", b"ccc").close()
    first = next(iter(frames(tmp_path, START)))

    assert undelivered(tmp_path) == (3, 6)
    write_delivered(tmp_path, first.after)
    assert read_delivered(tmp_path) == first.after
    assert undelivered(tmp_path) == (2, 5)


def test_the_disk_is_asked_to_keep_it_every_five_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    synced: list[float] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(now))
    spool = SpoolWriter(tmp_path, clock=lambda: now)

    for now in (1.0, 4.9, 5.1, 6.0, 10.2):  # noqa: B007  # the clock reads it
        spool.append(b"x", upto=1)

    assert synced == [5.1, 10.2]
    spool.close()
