"""Every module says what lives in it, and every exception to the checkers why."""

import ast
import re

from tests.house.tree import House

PACKAGES = (
    "agent/ergoscope",
    "backend/ergoscope_server",
    "contract/ergoscope_contract",
    "frontend/ergoscope_ui",
)
IGNORE = re.compile(r"#\s*type:\s*ignore(?!\[[\w, -]+\]\s+# \w)")
SILENCED = re.compile(r"#\s*noqa(?!: [A-Z]+\d+(, [A-Z]+\d+)*\s+\S)")


def test_every_module_begins_with_what_lives_in_it(house: House) -> None:
    mute = [f.name for f in house.python() if f.tree.body and not ast.get_docstring(f.tree)]

    assert not mute


def test_every_package_tells_checkers_that_it_is_typed(house: House) -> None:
    missing = [package for package in PACKAGES if not (house.root / package / "py.typed").is_file()]

    assert not missing


def test_every_ignored_type_error_has_its_code_and_its_reason(house: House) -> None:
    bare = [
        f"{f.name}:{number}"
        for f in house.python()
        for number, line in enumerate(f.text.splitlines(), 1)
        if f.name != "tests/house/test_modules.py" and (IGNORE.search(line) or SILENCED.search(line))
    ]

    assert not bare, "write # type: ignore[code]  # reason"


def test_imports_are_absolute(house: House) -> None:
    relative = [
        f"{f.name}:{node.lineno}"
        for f in house.python()
        for node in ast.walk(f.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert not relative
