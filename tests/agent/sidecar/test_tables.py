"""A sidecar that takes over knows the tables."""

from pathlib import Path

from ergoscope.entries import pack_keys
from ergoscope.sidecar.tables import TableFile


def test_tables_are_known_again(tmp_path: Path) -> None:
    first = TableFile(tmp_path)
    first.append(pack_keys(0, ["a"]))
    first.append(pack_keys(1, ["b", "c"]))
    first.close()

    again = TableFile(tmp_path)

    assert again.tables == {0: ["a"], 1: ["b", "c"]}
    again.close()


def test_a_torn_tail_is_cut_off(tmp_path: Path) -> None:
    first = TableFile(tmp_path)
    first.append(pack_keys(0, ["a"]))
    first.close()
    with (tmp_path / "tables").open("ab") as file:
        file.write(b"\x40\x00\x00")

    second = TableFile(tmp_path)
    second.append(pack_keys(1, ["b"]))
    second.close()

    third = TableFile(tmp_path)
    assert third.tables == {0: ["a"], 1: ["b"]}
    third.close()
