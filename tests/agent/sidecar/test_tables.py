"""A sidecar that takes over knows the tables."""

from pathlib import Path

import pytest

from ergoscope.sidecar.tables import TableFile
from ergoscope.stream.entries import pack_keys


def test_tables_are_known_again(tmp_path: Path) -> None:
    first = TableFile(tmp_path)
    first.keep(pack_keys(0, ["a"]))
    first.keep(pack_keys(1, ["b", "c"]))
    first.save()
    first.close()

    again = TableFile(tmp_path)

    assert again.tables == {0: ["a"], 1: ["b", "c"]}
    again.close()


def test_a_torn_tail_is_cut_off(tmp_path: Path) -> None:
    first = TableFile(tmp_path)
    first.keep(pack_keys(0, ["a"]))
    first.save()
    first.close()
    with (tmp_path / "tables").open("ab") as file:
        file.write(b"\x40\x00\x00")

    second = TableFile(tmp_path)
    second.keep(pack_keys(1, ["b"]))
    second.save()
    second.close()

    third = TableFile(tmp_path)
    assert third.tables == {0: ["a"], 1: ["b"]}
    third.close()


def test_a_table_that_the_disk_takes_in_part_is_written_again_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = TableFile(tmp_path)
    file.keep(pack_keys(0, ["a"]))
    file.keep(pack_keys(1, ["b"]))
    whole = file._file

    class Tight:
        def __getattr__(self, name: str) -> object:
            return getattr(whole, name)

        def write(self, data: bytes) -> int | None:
            return whole.write(data[:5])

    with monkeypatch.context() as patch:
        patch.setattr(file, "_file", Tight())
        with pytest.raises(OSError, match="only a part of 13 bytes was written"):
            file.save()
    file.save()
    file.close()

    again = TableFile(tmp_path)
    assert again.tables == {0: ["a"], 1: ["b"]}
    again.close()
