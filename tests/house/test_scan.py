"""What is made of the reports on known vulnerabilities."""

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

from tests.house.tree import ROOT

GOOD = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "not found"}


@pytest.fixture(scope="module")
def scanned() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scanned", ROOT / ".ci" / "scanned.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write(folder: Path, service: str, *packages: object) -> None:
    (folder / f"{service}.json").write_text(json.dumps({"dependencies": packages}))


def test_a_vulnerability_that_one_service_knows_fails(
    scanned: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(tmp_path, "osv", GOOD, BAD)
    _write(tmp_path, "pypi", UNKNOWN)

    assert scanned.main(tmp_path) == 1
    assert capsys.readouterr().out == "1 known vulnerabilities:\n  b 2: PYSEC-1, mended in 3\n"


def test_where_nothing_is_known_it_says_of_how_many(
    scanned: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(tmp_path, "osv", GOOD, UNKNOWN)

    assert scanned.main(tmp_path) == 0
    assert capsys.readouterr().out == "no vulnerability is known of 1 pinned packages; of 1 more nothing is known\n"


def test_services_that_do_not_answer_or_know_nothing_are_no_clean_bill(
    scanned: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "osv.log").write_text("Traceback\nConnectionError: nobody there\n")
    _write(tmp_path, "pypi", UNKNOWN)

    assert scanned.main(tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [
        "NOT SCANNED: no advisory service answers here, so nothing is known of what is pinned",
        "  osv: ConnectionError: nobody there",
        "  pypi: knows none of 1 packages",
    ]


def test_it_can_be_run_as_it_is() -> None:
    assert os.access(ROOT / ".ci" / "scan", os.X_OK)
