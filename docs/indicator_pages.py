"""A page for each quantity: what it says, how it is worked out, how it misleads, and how it is held to the truth."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path

from ergoscope_contract import catalogue
from ergoscope_contract.catalogue import Cost, Metric

ROOT = Path(__file__).parents[1]
FOLDER = "indicators"
HEADER = "<!-- Made by `python docs/make.py`; change the code, not this page. -->\n"
MAKERS = ("agent/ergoscope/probes", "agent/ergoscope/twins", "backend/ergoscope_server/indicators")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file below the root, the name of the test or class there, and its first line."""

    path: str
    name: str
    says: str


def names() -> list[str]:
    """Give the pages' names below docs/."""
    return [f"{FOLDER}/{metric_id}.md" for metric_id in catalogue.ALL]


def page(metric: Metric) -> str:
    """Write the page of one quantity."""
    parts = [f"# {metric.name[:1].upper()}{metric.name[1:]}: `{metric.id}`\n", HEADER, f"{plain(metric.tooltip)}\n"]
    parts += [_figure(metric), _facts(metric), "## How it is worked out\n", _made(metric)]
    parts += ["## How it misleads\n", f"{_sentence(metric.failure)}\n"]
    if metric.absent:
        parts += ["## Why there is no value yet\n", f"Absent, because {plain(metric.absent)}.\n"]
    source = _sentence(metric.source) if metric.source else "The definition is ours or everybody's."
    parts += ["## Source\n", f"{source}\n", "## How it is tested\n", _tested(metric)]
    parts.append("All quantities: [metrics.md](../metrics.md). What the words mean: [concepts.md](../concepts.md).\n")
    return "\n".join(part for part in parts if part)


def plain(text: str) -> str:
    """Give a text as Markdown shows it as it stands."""
    return text.replace("*", r"\*").replace("_", r"\_").replace("<", r"\<")


def _sentence(text: str) -> str:
    text = plain(text)
    first = text[:1].upper() if text[:1].isascii() else text[:1]  # λ stays what it is
    return f"{first}{text[1:]}{'' if text.endswith(('.', '?')) else '.'}"


def _figure(metric: Metric) -> str:
    """Show the figure of a real run, where there is one; it says itself which run."""
    path = ROOT / "docs" / "figures" / f"{metric.id}.svg"
    if not path.is_file():
        return ""
    said = unescape(path.read_text(encoding="utf-8").partition("<desc>")[2].partition("</desc>")[0])
    return f"![{plain(metric.name)} during a real run](../figures/{metric.id}.svg)\n\n*{plain(said)}*\n"


def _facts(metric: Metric) -> str:
    families = " and ".join(family.value for family in (metric.family, metric.also) if family is not None)
    rows = {
        "symbol": plain(metric.symbol),
        "unit": plain(metric.unit) or "none",
        "range": plain(metric.range),
        "helps to answer": families,
        "exists": _SHAPES[metric.shape],
        "costs the job": metric.cost.value if metric.cost in _FREE else f"{metric.cost.value}, {_OFTEN[metric.tier]}",
        "of several ranks": metric.reduce.value,
    }
    lines = [
        "| | |",
        "| --- | --- |",
        *(f"| {name} | {text.replace('|', chr(92) + '|')} |" for name, text in rows.items()),
    ]
    return "\n".join(lines) + "\n"


_FREE = (Cost.NONE, Cost.SERVER, Cost.RUNS)
_OFTEN = ("every step", "every few tens of steps", "every few hundred steps", "by epoch or on demand")
_SHAPES = {
    "global": "for the whole model",
    "layer": "for the whole model and for each parameter",
    "group": "for each group of parameters",
    "histogram": "as a histogram",
    "sketch": "as a short vector",
    "spectrum": "as a spectrum",
    "grid": "as a grid",
    "state": "as a state",
}


def _made(metric: Metric) -> str:
    text = f"{_sentence(metric.formula)}\n"
    place = makers().get(metric.id)
    if place is None:
        return text
    says = f': "{plain(place.says)}"' if place.says else ""
    return f"{text}\nThe code is [{place.path}](../../{place.path}){says}\n"


def _tested(metric: Metric) -> str:
    text = f"Known answer: {plain(metric.test)}.\n"
    place = known_answers().get(metric.id)
    if place is None:
        return text
    claim = place.name.removeprefix("test_").replace("_", " ")
    return f'{text}\nThe test is "{claim}" in [{place.path}](../../{place.path}).\n'


@cache
def makers() -> Mapping[str, Place]:
    """Find the code that makes each quantity, by its `produces` or PRODUCES."""
    found: dict[str, Place] = {}
    for path, tree in _trees(MAKERS):
        for holder in (tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))):
            says = (ast.get_docstring(holder) or "").partition("\n")[0]
            name = holder.name if isinstance(holder, ast.ClassDef) else ""
            for metric_id in _produced(holder):
                found.setdefault(metric_id, Place(path, name, says))
    return found


def _produced(holder: ast.Module | ast.ClassDef) -> Iterator[str]:
    for node in holder.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        named = {target.id for target in targets if isinstance(target, ast.Name)}
        if named & {"produces", "PRODUCES"}:
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            yield from (n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and n.value in catalogue.ALL)


@cache
def known_answers() -> Mapping[str, Place]:
    """Find the test that holds each quantity against a known answer, by its mark."""
    found: dict[str, Place] = {}
    for path, tree in _trees(("tests",)):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                for metric_id in _marked(node):
                    found.setdefault(metric_id, Place(path, node.name, ""))
    return found


def _marked(test: ast.FunctionDef) -> Iterator[str]:
    for mark in test.decorator_list:
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "known_answer":
            yield from (a.value for a in mark.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


def _trees(folders: tuple[str, ...]) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if "produces" in text or "PRODUCES" in text or "known_answer" in text:  # parsing the rest takes seconds
                yield path.relative_to(ROOT).as_posix(), ast.parse(text)
