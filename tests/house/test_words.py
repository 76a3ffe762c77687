"""Nothing in the tree speaks of the place where it was written."""

import re

import pytest

from tests.house.tree import House

TEXT = {"", ".py", ".md", ".toml", ".js", ".css", ".txt", ".html", ".json", ".yaml", ".yml", ".svg", ".ini", ".cfg"}


def _word(*parts: str) -> str:
    return "".join(parts)  # in parts, so that this file does not hold what it forbids


FORBIDDEN = {
    "a path of one machine": _word("/wo", "rk/") + "|" + _word("/opt/", "ergo") + "|" + _word("/tmp/", r"w\b"),
    "a number of an issue": _word(r"\b[Ii]ss", r"ue #?\d") + "|" + _word(r"\biss", r"ues show\b"),
    "a host of a package registry": _word(r"py", r"pi\.org|python", r"hosted\.org|npm", r"js\.(org|com)")
    + _word(r"|download\.py", r"torch\.org"),
    "a document that is not here": _word(r"\b(METR", r"ICS|ATT", r"ACH|STY", r"LE|EXPEC", r"TATIONS|STA", r"CK)\.md"),
    "a section of a document that is not here": _word(r"\bMETR", r"ICS (section )?[A-Z]?\d"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_names(what: str, house: House) -> None:
    pattern = re.compile(FORBIDDEN[what])

    found = [
        f"{f.name}:{number}: {line.strip()[:100]}"
        for f in house.files
        if f.path.suffix in TEXT
        for number, line in enumerate(f.text.splitlines(), 1)
        if pattern.search(line)
    ]

    assert not found
