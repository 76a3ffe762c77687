"""A run's configuration, one name a line; and where several runs differ."""

from collections.abc import Mapping, Sequence

from dash import html
from dash.development.base_component import Component

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.names import names_of
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.words import number


def flat(config: Mapping[str, object], *, prefix: str = "") -> dict[str, object]:
    """Nested settings under dotted names; the tables of a list are numbered when there is more than one.

    Example:
        >>> flat({"optimizers": [{"lr": 0.1}], "groups": [{"lr": 1}, {"lr": 2}], "seed": 0})
        {'optimizers.lr': 0.1, 'groups.0.lr': 1, 'groups.1.lr': 2, 'seed': 0}
    """
    found: dict[str, object] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            found.update(flat(value, prefix=f"{name}."))
        elif isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
            for index, entry in enumerate(value):
                found.update(flat(entry, prefix=f"{name}." if len(value) == 1 else f"{name}.{index}."))
        else:
            found[name] = value
    return found


def everything(run: RunSummary) -> dict[str, object]:
    """What was set and what it ran on, in one table of names."""
    return {**flat(run.config), **flat(run.system, prefix="system.")}


def shown(value: object) -> str:
    """A setting's value as text.

    Example:
        >>> shown(0.0003), shown(True), shown(None), shown([1, 2])
        ('3e-4', 'true', 'none', '[1, 2]')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value, digits=6)
    return str(value)


def differing(runs: Sequence[RunSummary]) -> tuple[list[tuple[str, list[object]]], int]:
    """The settings that are not the same in all runs, with one value a run, and how many settings there are."""
    tables = [everything(run) for run in runs]
    names = sorted({name for table in tables for name in table})
    rows = [(name, [table.get(name, _ABSENT) for table in tables]) for name in names]
    return [(name, values) for name, values in rows if any(value != values[0] for value in values)], len(names)


_ABSENT = "–"


def _cell(value: object, first: object) -> Component:
    return html.Td(shown(value), title=shown(value), className="diff" if value != first else "")


def config_table(settings: Mapping[str, object], *, absent: str) -> Component:
    """Names and values."""
    if not settings:
        return html.P(absent, className="dim")
    rows = [html.Tr([html.Td(name), html.Td(shown(value))]) for name, value in sorted(settings.items())]
    return html.Table(html.Tbody(rows), className="plain left")


def difference_table(runs: Sequence[RunSummary]) -> list[Component]:
    """What differs between the runs; the first is the baseline, and what is not as there is coloured."""
    rows, total = differing(runs)
    if not rows:
        return [html.Div(f"0 of {total} settings: nothing that was recorded differs", className="sub")]
    head = html.Tr([html.Th("setting"), *(html.Th(name, title=name) for name in names_of(runs).values())])
    body = [
        html.Tr([html.Td(name, title=name), *(_cell(value, values[0]) for value in values)]) for name, values in rows
    ]
    return [
        html.Div(f"{len(rows)} of {total} settings", className="sub"),
        html.Div(
            marked(html.Table([html.Thead(head), html.Tbody(body)], className="plain"), testid="differs"),
            className="wide",
        ),
    ]
