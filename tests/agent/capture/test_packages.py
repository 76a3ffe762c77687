"""Versions of what is imported, and of nothing else."""

import sys
from importlib.metadata import version
from pathlib import Path

from ergoscope.capture.packages import MOST, describe_packages


def install(folder: Path, name: str, number: str, *, top_level: str = "") -> None:
    info = folder / f"{name.replace('-', '_')}-{number}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
    if top_level:
        (info / "top_level.txt").write_text(top_level)


def test_packages_are_known_by_what_is_imported(tmp_path: Path) -> None:
    install(tmp_path, "My-Lib", "1.2")
    install(tmp_path, "odd-name", "3", top_level="_odd\nother\n")
    install(tmp_path, "PyYAML", "6")
    install(tmp_path, "unused", "9")
    (tmp_path / "broken-1.dist-info").mkdir()

    found = describe_packages(["my_lib", "other", "yaml"], [str(tmp_path)])

    assert found == {"My-Lib": "1.2", "odd-name": "3", "PyYAML": "6"}


def test_of_two_versions_the_one_that_is_imported_counts(tmp_path: Path) -> None:
    install(tmp_path / "first", "lib", "2")
    install(tmp_path / "second", "lib", "1")

    assert describe_packages(["lib"], [str(tmp_path / "first"), str(tmp_path / "second")]) == {"lib": "2"}


def test_there_is_a_limit(tmp_path: Path) -> None:
    for number in range(MOST + 5):
        install(tmp_path, f"lib{number}", "1")

    assert len(describe_packages([f"lib{number}" for number in range(MOST + 5)], [str(tmp_path)])) == MOST


def test_this_very_process_has_torch() -> None:
    assert describe_packages(["torch"], sys.path) == {"torch": version("torch")}
