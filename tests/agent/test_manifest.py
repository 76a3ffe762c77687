"""A spool says whose it is, and never the key."""

from pathlib import Path

import pytest

from ergoscope.errors import SpoolError
from ergoscope.manifest import Manifest, attempt_folder, spool_folders


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path, manifest: Manifest) -> None:
    manifest.write(tmp_path)

    assert Manifest.read(tmp_path) == manifest


def test_a_folder_without_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match=r"is not a spool: its manifest\.json cannot be read"):
        Manifest.read(tmp_path)


def test_spools_are_found_below_a_folder_the_oldest_first(tmp_path: Path, manifest: Manifest) -> None:
    attempts = [manifest.attempt.__class__(number=n, started=1.0) for n in (30, 20)]
    folders = [attempt_folder(tmp_path, "r", attempt) for attempt in attempts]
    for folder in folders:
        folder.mkdir(parents=True)
        manifest.write(folder)

    assert spool_folders(tmp_path) == [folders[1], folders[0]]
    assert spool_folders(folders[0]) == [folders[0]]
    assert spool_folders(tmp_path / "absent") == []
