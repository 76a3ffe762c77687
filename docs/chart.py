"""Small line charts as SVG text: the same numbers give the same bytes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

INK, SOFT, GRID, GROUND = "#336ca8", "#63686e", "#e4e4e0", "#ffffff"
STATES = {
    "WARMUP": "#b9c2cc",
    "DESCENDING": "#3b78b8",
    "PLATEAU": "#8fcac3",
    "PLATEAU-INVARIANT": "#2a9d8f",
    "STATIONARY-POINT": "#5a8f3c",
    "DRIFTING": "#d69a2d",
    "EDGE": "#e07b28",
    "DIVERGING": "#c23b3b",
    "NONFINITE": "#c23b3b",
    "UNDECIDED": "#e4e4e0",
}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 170, 52, 20, 26, 30
MOST = 120  # points a line


@dataclass(frozen=True, slots=True)
class Line:
    """Values over steps, with an interval where there is one; `dots` draws points instead of a line."""

    x: Array
    y: Array
    low: Array | None = None
    high: Array | None = None
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: lines under a title, dotted marks at steps, a level across, and the run's states as a strip.

    span: first and last step shown, where that is not what the lines span.
    """

    title: str
    lines: Sequence[Line]
    unit: str = "step"
    marks: Sequence[float] = ()
    level: float | None = None
    states: Sequence[tuple[str, float, float]] = ()
    span: tuple[float, float] | None = None


def thinned(x: Array, y: Array) -> Line:
    """Give at most 120 points of a long series: medians of stretches, with their smallest and largest as interval."""
    if len(x) <= MOST:
        return Line(x, y)
    parts = np.array_split(np.arange(len(x)), MOST)
    middle = np.array([np.median(y[part]) for part in parts])
    low, high = (np.array([of(y[part]) for part in parts]) for of in (np.min, np.max))
    return Line(np.array([x[part].mean() for part in parts]), middle, low, high)


def parted(line: Line, marks: Sequence[float]) -> list[Line]:
    """Cut a line where something begins anew, so that none is drawn across a mark."""
    ends = [0, *np.searchsorted(line.x, sorted(marks)).tolist(), len(line.x)]

    def piece(values: Array | None, a: int, b: int) -> Array | None:
        return None if values is None else values[a:b]

    return [
        Line(line.x[a:b], line.y[a:b], piece(line.low, a, b), piece(line.high, a, b), line.dots)
        for a, b in pairwise(ends)
        if b > a
    ]


def drawing(panels: Sequence[Sequence[Panel]], *, about: str) -> str:
    """Give rows of panels as an SVG document that says in words what it shows."""
    columns = max(len(row) for row in panels)
    width, height = columns * WIDTH, len(panels) * HEIGHT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="11" fill="{SOFT}">'
    )
    body = [f"<desc>{escape(about)}</desc>", f'<rect width="{width}" height="{height}" fill="{GROUND}"/>']
    for number, row in enumerate(panels):
        for column, panel in enumerate(row):
            body.append(f'<g transform="translate({column * WIDTH} {number * HEIGHT})">{_panel(panel)}</g>')
    return "\n".join([head, *body, "</svg>"]) + "\n"


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Give round numbers between two, both ends included where they are round.

    Example:
        >>> ticks(0.0, 10.0)
        [0.0, 2.5, 5.0, 7.5, 10.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / (most - 1)
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _panel(panel: Panel) -> str:
    left, right = panel.span or _span([line.x for line in panel.lines])
    low, high = _range(panel)
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def across(value: float) -> float:
        return LEFT + wide * (value - left) / (right - left)

    def down(value: float) -> float:
        return TOP + tall * (high - min(max(value, low), high)) / (high - low)

    parts = [f'<text x="{LEFT}" y="15" font-size="12" fill="#1b1d1f">{escape(panel.title)}</text>']
    parts += [_rung(value, down(value)) for value in ticks(low, high)]
    parts += [_tick(value, across(value)) for value in ticks(left, right)]
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 1}" text-anchor="end" font-size="10">{panel.unit}</text>')
    parts += [_state(state, across(max(first, left)), across(min(last, right))) for state, first, last in panel.states]
    dash = f'V{HEIGHT - BOTTOM}" stroke="{SOFT}" stroke-dasharray="2 3"/>'
    parts += [f'<path d="M{across(at):.1f} {TOP}{dash}' for at in panel.marks]
    if panel.level is not None:
        parts.append(f'<path d="M{LEFT} {down(panel.level):.1f}h{wide}" stroke="{SOFT}" stroke-dasharray="5 3"/>')
    parts += [_line(line, across, down) for line in panel.lines]
    return "".join(parts)


def _rung(value: float, y: float) -> str:
    line = f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>'
    return f'{line}<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'


def _tick(value: float, x: float) -> str:
    return f'<text x="{x:.1f}" y="{HEIGHT - 12}" text-anchor="middle">{value:,g}</text>'


def _state(state: str, begin: float, end: float) -> str:
    place = f'x="{begin:.1f}" y="{TOP - 6}" width="{max(end - begin, 1):.1f}" height="5"'
    return f'<rect {place} fill="{STATES.get(state, GRID)}"><title>{state}</title></rect>'


def _line(line: Line, across, down) -> str:  # type: ignore[no-untyped-def]  # two maps of numbers
    band = ""
    if line.low is not None and line.high is not None:
        edge = [*zip(line.x, line.high, strict=True), *reversed(list(zip(line.x, line.low, strict=True)))]
        band = f'<path d="{_path(edge, across, down)}" fill="{INK}" fill-opacity=".18"/>'
    pairs = list(zip(line.x, line.y, strict=True))
    if line.dots:
        dots = "".join(f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="2.5"/>' for x, y in pairs)
        return f'{band}<g fill="{INK}">{dots}</g>'
    return f'{band}<path d="{_path(pairs, across, down)}" fill="none" stroke="{INK}" stroke-width="1.3"/>'


def _path(pairs, across, down) -> str:  # type: ignore[no-untyped-def]  # two maps of numbers
    text, pen = [], "M"
    for x, y in pairs:
        if math.isfinite(x) and math.isfinite(y):
            text.append(f"{pen}{across(x):.1f} {down(y):.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(text)


def _span(arrays: Sequence[Array]) -> tuple[float, float]:
    """Give the smallest and the largest finite number, a little apart where they are one."""
    finite = np.concatenate([a[np.isfinite(a)] for a in arrays]) if arrays else np.empty(0)
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0))


def _range(panel: Panel) -> tuple[float, float]:
    """Give the vertical range: that of the lines, not of every excursion of their intervals."""
    values = [line.y for line in panel.lines]
    bounds = [bound[np.isfinite(bound)] for line in panel.lines for bound in (line.low, line.high) if bound is not None]
    values += [np.quantile(bound, [0.05, 0.95]) for bound in bounds if len(bound)]
    if panel.level is not None:
        values.append(np.array([panel.level]))
    low, high = _span(values)
    margin = 0.04 * (high - low)
    return low - margin, high + margin
