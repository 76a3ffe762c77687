"""The pages that follow from the code say what the code says."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from ergoscope_contract import catalogue
from tests.house.tree import ROOT

LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["metrics.md", "settings.md", "api.md"])
def test_a_made_page_is_in_step_with_the_code(name: str, make: ModuleType) -> None:
    page = ROOT / "docs" / name

    assert page.is_file(), "run: python docs/make.py"
    assert page.read_text(encoding="utf-8") == make.PAGES[name](), "run: python docs/make.py"


def test_every_quantity_has_its_place_on_the_page(make: ModuleType) -> None:
    text = make.metrics_page()

    missing = [m.id for m in catalogue.ALL.values() if f'<a id="{m.id}"></a>' not in text or m.tooltip not in text]
    assert not missing


def test_a_page_that_lags_is_named_and_then_written(
    make: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "PAGES", {"metrics.md": lambda: "new\n"})
    (tmp_path / "metrics.md").write_text("old\n")

    checked = make.main(["--check", "--folder", str(tmp_path)])
    written = make.main(["--folder", str(tmp_path)])
    checked_again = make.main(["--check", "--folder", str(tmp_path)])

    assert (checked, written, checked_again) == (1, 0, 0)
    assert (tmp_path / "metrics.md").read_text() == "new\n"
    assert capsys.readouterr().out.splitlines() == [
        "docs/metrics.md lags behind the code; run: python docs/make.py",
        "docs/metrics.md written",
    ]


def test_links_between_pages_lead_somewhere() -> None:
    pages = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]

    assert not dead
