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


@pytest.fixture(scope="module")
def pages(make: ModuleType) -> dict[str, str]:
    """Every made page, as the code says it."""
    return {name: write() for name, write in make.PAGES.items()}


@pytest.mark.parametrize("name", ["metrics.md", "settings.md", "api.md"])
def test_a_made_page_is_in_step_with_the_code(name: str, make: ModuleType) -> None:
    page = ROOT / "docs" / name

    assert page.is_file(), "run: python docs/make.py"
    assert page.read_text(encoding="utf-8") == make.PAGES[name](), "run: python docs/make.py"


def test_the_pages_of_quantities_are_in_step_with_the_code(pages: dict[str, str], make: ModuleType) -> None:
    there = {f"indicators/{path.name}" for path in (ROOT / "docs" / "indicators").glob("*.md")}
    wanted = {name for name in pages if name.startswith("indicators/")}

    assert there == wanted, "run: python docs/make.py"
    assert not make.lagging(ROOT / "docs"), "run: python docs/make.py"


def test_every_quantity_has_its_place_in_the_overview_and_a_page(pages: dict[str, str]) -> None:
    overview = pages["metrics.md"]

    assert all(f"](indicators/{m.id}.md)" in overview for m in catalogue.ALL.values())
    for metric in catalogue.ALL.values():
        text = pages[f"indicators/{metric.id}.md"].replace("\\", "")
        said = (metric.tooltip, metric.formula[1:], metric.failure[1:], metric.source[1:], metric.test, metric.absent)
        assert all(words in text for words in said), metric.id


@pytest.mark.parametrize(
    ("name", "code", "claim"),
    [
        ("geweke_z", "backend/ergoscope_server/indicators/geweke.py", "z of ar1 has spread near one"),
        ("cos_grad_lag1", "agent/ergoscope/probes/sketch.py", "gradients at rest in a valley agree"),
    ],
)
def test_the_page_of_a_made_quantity_names_its_code_and_its_test(
    name: str, code: str, claim: str, pages: dict[str, str]
) -> None:
    text = pages[f"indicators/{name}.md"]

    assert f"The code is [{code}](../../{code})" in text
    assert f'The test is "{claim}' in text


def test_a_page_of_no_quantity_is_named_and_then_removed(
    make: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "PAGES", {})
    (tmp_path / "indicators").mkdir()
    (tmp_path / "indicators" / "gone.md").write_text("old")

    checked = make.main(["--check", "--folder", str(tmp_path)])
    written = make.main(["--folder", str(tmp_path)])

    assert (checked, written) == (1, 0)
    assert not (tmp_path / "indicators" / "gone.md").exists()
    assert capsys.readouterr().out.splitlines() == [
        "docs/indicators/gone.md is of no quantity; run: python docs/make.py",
        "docs/indicators/gone.md removed",
    ]


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
