"""The ground every chart stands on: margins, axes, marks."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ergoscope_contract.answers import Mark
from ergoscope_contract.records import JsonObject
from ergoscope_ui.figures.plain import lines, plain, symbols
from ergoscope_ui.theme import Palette, template
from ergoscope_ui.words import count

_WIDE = 42  # letters of a line that fit the chart of a phone


@dataclass(frozen=True, slots=True)
class Frame:
    """What a chart shows apart from its data.

    unit: title of the value axis. first, last: ends of the step axis. open_end: whether the run still grows, so that
    the live stream may extend the chart and its axis. marks: what happened, as vertical lines.
    """

    palette: Palette
    unit: str
    first: int
    last: int
    open_end: bool = False
    marks: Sequence[Mark] = field(default_factory=tuple)


def layout(frame: Frame, *, low: float, high: float) -> JsonObject:
    """The layout of a chart of values between `low` and `high` over steps."""
    return {
        "template": template(frame.palette),
        "margin": {"l": 66, "r": 8, "t": 16, "b": 28},
        "dragmode": "zoom",
        "xaxis": {"range": [frame.first, frame.last]},
        "yaxis": {
            "range": [low, high],
            "title": {"text": symbols(frame.unit)},
            "fixedrange": True,
        },
        "shapes": [mark_line(mark, frame.palette) for mark in frame.marks],
        "annotations": [mark_note(mark, frame.palette) for mark in frame.marks],
    }


def mark_line(mark: Mark, colours: Palette) -> JsonObject:
    """A mark as a vertical line through the chart."""
    alarm = is_alarm(mark)
    return {
        "type": "line",
        "x0": mark.step,
        "x1": mark.step,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "name": mark.kind,
        "line": {"color": colours.diverge if alarm else colours.faint, "width": 1, "dash": "dash" if alarm else "dot"},
    }


def mark_note(mark: Mark, colours: Palette) -> JsonObject:
    """A small sign on top of a mark's line that tells its text when pointed at."""
    alarm = is_alarm(mark)
    return {
        "x": mark.step,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
        "text": sign(mark),
        "hovertext": plain(f"{mark.text}, step {count(mark.step)}"),
        "font": {"size": 10, "color": colours.diverge_ink if alarm else colours.faint},
    }


def is_alarm(mark: Mark) -> bool:
    """Whether a mark is an alert (and drawn in the colour of danger)."""
    return "alert" in mark.kind


def sign(mark: Mark) -> str:
    """The symbol of a mark: ▾ for the learning rate, ● for an alert, ○ for a notice, ↻ for a restart, ╵ otherwise."""
    if is_alarm(mark):
        return "●"
    if mark.kind == "notice":
        return "○"
    if mark.kind.startswith("lr"):
        return "▾"
    return "↻" if mark.kind in ("resume", "restart", "attempt") else "╵"


def empty(frame: Frame, text: str, *, failed: bool = False) -> JsonObject:
    """A chart without data that says why; one that `failed` is asked for again by the page."""
    ground = layout(frame, low=0.0, high=1.0)
    ground["xaxis"] = {"visible": False}
    ground["yaxis"] = {"visible": False}
    ground["annotations"] = [
        {"text": lines(text, width=_WIDE), "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False}
    ]
    ground["meta"] = {"grows": [], "waiting": frame.open_end, "failed": failed}
    return {"data": [], "layout": ground}
