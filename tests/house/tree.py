"""The tree as the house tests see it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("agent", "backend", "benchmarks", "contract", "docs", "examples", "frontend", "tests")
PASSED_OVER = {"__pycache__", "node_modules", ".venv", "build", "dist", "results"}


@dataclass(frozen=True)
class Source:
    """A file of the tree."""

    path: Path

    @property
    def name(self) -> str:
        """The path below the root."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """What stands in it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """What Python makes of it."""
        return ast.parse(self.text)


@dataclass(frozen=True)
class House:
    """Every file of the tree that people wrote."""

    root: Path
    files: tuple[Source, ...]

    def python(self, *rooms: str) -> list[Source]:
        """The Python files below some folders, or all of them."""
        chosen = [f for f in self.files if f.path.suffix == ".py"]
        return [f for f in chosen if f.name.startswith(rooms)] if rooms else chosen


def _written(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in PASSED_OVER and not path.name.endswith(".egg-info"):
                yield from _written(path)
        elif path.suffix != ".pyc":
            yield path


def written() -> House:
    """Look the tree through."""
    loose = [path for path in sorted(ROOT.iterdir()) if path.is_file() and path.name != ".git"]
    rooms = [path for room in (*ROOMS, ".ci") if (ROOT / room).is_dir() for path in _written(ROOT / room)]
    return House(ROOT, tuple(Source(path) for path in (*loose, *rooms)))
