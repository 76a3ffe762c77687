"""A file holds one concept, a function does one thing: both are short."""

import ast
from collections.abc import Iterator

from tests.house.tree import House, Source

FILE = 300
FUNCTION = 40
JUNK = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "tools", "stuff"}


def test_files_are_shorter_than_three_hundred_lines(house: House) -> None:
    lengths = {f.name: len(f.text.splitlines()) for f in house.files if f.path.suffix in {".py", ".js", ".css"}}

    long = {name: length for name, length in lengths.items() if length >= FILE}

    assert not long, "name the second concept and give it a file of its own"


def test_functions_are_shorter_than_forty_lines(house: House) -> None:
    rooms = house.python("agent/", "backend/", "benchmarks/", "contract/", "docs/", "examples/", "frontend/")

    long = {name: length for source in rooms for name, length in _functions(source) if length >= FUNCTION}

    assert not long, "a function does what its name says and no more"


def _functions(source: Source) -> Iterator[tuple[str, int]]:
    if "/migrations/versions/" in source.name:  # a migration is a list of statements
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            end = node.end_lineno or node.lineno
            said = (first.end_lineno or first.lineno) - first.lineno + 1 if ast.get_docstring(node) else 0
            yield f"{source.name}:{node.lineno} {node.name}", end - node.lineno + 1 - said


def test_no_file_is_a_junk_drawer(house: House) -> None:
    drawers = [f.name for f in house.files if JUNK & {part.removesuffix(".py") for part in f.name.split("/")}]

    assert not drawers, "these are not names of concepts"
