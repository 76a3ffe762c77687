"""The query line of the runs list: bare words, and `key = value` joined by `and`.

    conv and project = digits and status != finished and lr >= 1e-4

Keys: project, name, id, group, tag, status, verdict, flag, step, lr, loss, optimizer, any setting (dotted), any series
of which the service keeps the newest value. Words are compared without case; `~` means "contains".
"""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.errors import QueryError
from ergoscope_ui.panels.optimizer import learning_rate, optimizer
from ergoscope_ui.panels.settings_table import flat
from ergoscope_ui.panels.status import WORDS
from ergoscope_ui.words import state_word

_PART = re.compile(r"(?P<key>[\w./-]+)\s*(?P<op><=|>=|!=|=|<|>|~)\s*(?P<value>.+)")
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
KEYS = ("project", "name", "id", "group", "tag", "status", "verdict", "flag", "step", "lr", "loss", "optimizer")


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of a query; an empty key means that the value is searched for in names, project and tags."""

    key: str
    op: str
    value: str


def parse(text: str) -> list[Condition]:
    """Read a query line.

    Raises:
        QueryError: a part has an operator but no key or value, or an order is asked of something not a number.

    Example:
        >>> parse("conv and lr >= 1e-4")
        [Condition(key='', op='~', value='conv'), Condition(key='lr', op='>=', value='1e-4')]
    """
    parts = [part.strip() for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE)]
    return [_condition(part) for part in parts if part]


def select(runs: Sequence[RunSummary], text: str) -> list[RunSummary]:
    """The runs that meet every condition of a query line, in their order.

    Raises:
        QueryError: the line cannot be read, or names a key that no run has.
    """
    conditions = parse(text)
    facts = [(run, facts_of(run)) for run in runs]
    for condition in conditions:
        if condition.key and runs and not any(condition.key in fact for _, fact in facts):
            raise QueryError(
                f"no run has “{condition.key}”; there are {', '.join(KEYS)}, and every setting under its dotted name"
            )
    return [run for run, fact in facts if all(_meets(fact, condition) for condition in conditions)]


def facts_of(run: RunSummary) -> dict[str, tuple[str, ...]]:
    """What can be asked of a run: key to the texts it may equal."""
    facts: dict[str, tuple[str, ...]] = {key: (_text(value),) for key, value in flat(run.config).items()}
    facts.update({key: (_text(value),) for key, value in run.latest.items()})
    rate = learning_rate(run)
    facts.update(
        {
            "project": (run.project,),
            "name": (run.name,),
            "id": (run.id,),
            "group": (run.group,),
            "tag": tuple(run.tags),
            "status": (run.status, WORDS[run.status]),
            "verdict": (run.state, state_word(run.state)),
            "flag": tuple(name for flag in run.flags for name in (flag, state_word(flag))),
            "step": () if run.last_step is None else (str(run.last_step),),
            "lr": () if rate is None else (_text(rate),),
            "optimizer": (optimizer(run),),
            "": (run.name, run.project, run.id, run.group, run.notes, *run.tags),
        }
    )
    facts.setdefault("loss", ())
    return facts


def _condition(part: str) -> Condition:
    found = _PART.fullmatch(part)
    if found is None:
        if re.search(r"[<>=~]", part):
            raise QueryError(f"“{part}” cannot be read; write key = value with one of = != < <= > >= ~")
        return Condition(key="", op="~", value=part)
    condition = Condition(key=found["key"], op=found["op"], value=found["value"].strip("\"' "))
    if condition.op in _ORDER and _number(condition.value) is None:
        raise QueryError(f"“{condition.value}” is no number; {condition.op} compares numbers, such as 1e-4 or 100")
    return condition


def _meets(facts: dict[str, tuple[str, ...]], condition: Condition) -> bool:
    there, wanted = facts.get(condition.key, ()), condition.value
    if condition.op == "~":
        return any(wanted.casefold() in text.casefold() for text in there)
    if condition.op in ("=", "!="):
        return any(_same(text, wanted) for text in there) == (condition.op == "=")
    bound = _number(wanted)
    values = [value for value in map(_number, there) if value is not None]
    return bound is not None and any(_ORDER[condition.op](value, bound) for value in values)


def _same(one: str, other: str) -> bool:
    left, right = _number(one), _number(other)
    return left == right if left is not None and right is not None else one.casefold() == other.casefold()


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
