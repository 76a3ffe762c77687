"""The ranks of a run's newest attempt: how many there are, which send nothing or lag, and one line of each."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from ergoscope_contract.answers import RankSummary, RunSummary
from ergoscope_ui.panels.marked import marked
from ergoscope_ui.panels.status import age
from ergoscope_ui.words import count

SHOWN = 32  # rows; of more ranks those in trouble come first
NAMED = 6  # ranks in the definition that opens
UNSEEN = "never seen"
_INKS = {"silent": "ink-drift", "lags": "ink-drift", "crashed": "ink-diverge", "failed": "ink-diverge"}
_HEAD = (
    ("rank", "l"),
    ("host", "l hide"),
    ("status", "l"),
    ("step", ""),
    ("behind", ""),
    ("heard of", ""),
    ("lost", "hide"),
)


def word(rank: RankSummary) -> str:
    """How a rank stands, in a word."""
    return "lags" if rank.lags and rank.status == "running" else rank.status


def summed(run: RunSummary, ranks: Sequence[RankSummary]) -> Component:
    """How many ranks there are and how many are silent or lag; pointing at it names these."""
    wrong = [
        f"{number} {what}" for number, what in ((run.ranks_silent, "silent"), (run.ranks_lagging, "lagging")) if number
    ]
    troubled = [rank for rank in ranks if word(rank) in _INKS]
    lines: list[Component] = [html.B("Processes of this run")]
    lines += [html.Span(_line(rank)) for rank in troubled[:NAMED]]
    if len(troubled) > NAMED:
        lines.append(html.Span(f"and {len(troubled) - NAMED} more"))
    unseen = [_number(rank) for rank in ranks if rank.status == UNSEEN]
    if unseen:
        lines.append(html.Span(f"Never seen, as they do not watch or did not start: {', '.join(unseen[:NAMED])}"))
    if not troubled:
        lines.append(html.Span(f"None is silent or lags; the hindmost is {_steps(run.behind)} behind the foremost."))
    lines.append(html.Span("The Events tab lists each.", className="source"))
    tip = html.Span(lines, className="tip", role="tooltip")
    said: list[Component | str] = [html.B(count(run.ranks)), " ranks"]
    if wrong:
        said += [", ", html.B(", ".join(wrong))]
    return marked(
        html.Span(html.Span([*said, tip], className="term", tabIndex=0), className="kv warn" if wrong else "kv"),
        testid="ranks-summed",
    )


def table(ranks: Sequence[RankSummary]) -> Component:
    """One row a rank, by number."""
    kept = sorted(sorted(ranks, key=lambda rank: word(rank) not in _INKS)[:SHOWN], key=lambda rank: rank.rank)
    head = html.Tr([html.Th(name, className=kind) for name, kind in _HEAD])
    grid = html.Table([html.Thead(head), html.Tbody([_row(rank) for rank in kept])], className="grid")
    more = len(ranks) - len(kept)
    note = [html.P(f"and {count(more)} more", className="dim")] if more else []
    return html.Div([marked(grid, testid="ranks"), *note], className="ranks")


def _row(rank: RankSummary) -> Component:
    said = word(rank)
    if said == UNSEEN:
        words = {"rank": _number(rank), "status": said}
        return html.Tr([html.Td(words.get(name, "–"), className=f"{kind} dim".strip()) for name, kind in _HEAD])
    return html.Tr(
        [
            html.Td(count(rank.rank), className="l"),
            html.Td(rank.host or "–", className="l dim hide"),
            html.Td(said, className=f"l {_INKS.get(said, '')}".strip()),
            html.Td(count(rank.last_step)),
            html.Td(count(rank.behind), className=_INKS["lags"] if rank.lags else ""),
            html.Td(age(rank.last_seen), className=_INKS["silent"] if said == "silent" else "dim"),
            html.Td(count(rank.lost), className=f"hide {_INKS['crashed'] if rank.lost else ''}".strip()),
        ]
    )


def _number(rank: RankSummary) -> str:
    return count(rank.rank) if rank.upto is None else f"{count(rank.rank)} to {count(rank.upto)}"


def _line(rank: RankSummary) -> str:
    where = f", {rank.host}" if rank.host else ""
    step = f" at step {count(rank.last_step)}" if rank.last_step is not None else ""
    behind = f", {count(rank.behind)} behind" if rank.behind else ""
    return f"Rank {count(rank.rank)}{where}: {word(rank)}{step}{behind}"


def _steps(number: int) -> str:
    return f"{count(number)} step{'s' if number != 1 else ''}"
