"""A quantity is declared once, made in one place, and held by one test against a known answer."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator

from ergoscope_contract import catalogue
from tests.house.tree import House, Source

NOTHING: dict[str, list[str]] = {"missing": [], "unknown": [], "more than once": []}


def _apart(found: Counter[str], wanted: set[str]) -> dict[str, list[str]]:
    """What stands between a count of names and each wanted name once."""
    return {
        "missing": sorted(wanted - found.keys()),
        "unknown": sorted(found.keys() - wanted),
        "more than once": sorted(name for name, times in found.items() if times > 1),
    }


def _names(value: ast.expr | None) -> list[str]:
    """The texts of a tuple, list, set or frozenset written out in the code."""
    if isinstance(value, ast.Call) and value.args:
        value = value.args[0]
    if isinstance(value, ast.Tuple | ast.List | ast.Set):
        return [e.value for e in value.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
    return []


def _produced(sources: Iterable[Source]) -> Counter[str]:
    """How many `produces` or PRODUCES name each quantity."""
    return Counter(name for source in sources for node in ast.walk(source.tree) for name in _assigned(node))


def _assigned(node: ast.AST) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    named = {target.id for target in targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.Assign | ast.AnnAssign) and named & {"produces", "PRODUCES"}:
        yield from _names(node.value)


def _made(kind: str) -> set[str]:
    return {metric.id for metric in catalogue.ALL.values() if metric.made and metric.kind == kind}


def test_every_measured_quantity_comes_from_exactly_one_probe(house: House) -> None:
    produced = _produced(house.python("agent/ergoscope/"))

    assert _apart(produced, _made("probe")) == NOTHING


def test_every_computed_quantity_comes_from_exactly_one_indicator(house: House) -> None:
    produced = _produced(house.python("backend/ergoscope_server/indicators/"))

    assert _apart(produced, _made("indicator")) == NOTHING


def test_every_quantity_that_is_made_is_held_by_exactly_one_known_answer(house: House) -> None:
    marked = Counter(name for source in house.python("tests/") for name in _known_answers(source))

    assert _apart(marked, {m.id for m in catalogue.ALL.values() if m.made}) == NOTHING


def _known_answers(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "known_answer":
                yield from (a.value for a in mark.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


def test_the_quantity_that_the_service_makes_itself_is_the_time(house: House) -> None:
    assert _made("service") == {"wall"}


def test_numbers_that_are_not_measured_yet_say_so_in_words_that_follow_because() -> None:
    odd = [m.id for m in catalogue.ALL.values() if m.absent and m.absent[0].isupper()]

    assert not odd
