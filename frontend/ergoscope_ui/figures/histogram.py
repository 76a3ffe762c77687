"""How a layer's numbers are spread over their sizes, step by step."""

from collections.abc import Sequence

import numpy as np

from ergoscope_contract.records import Histogram, JsonObject
from ergoscope_ui.curve import Values
from ergoscope_ui.figures.canvas import Frame, empty, layout
from ergoscope_ui.figures.heatmap import rows_of


def shares(histograms: Sequence[Histogram]) -> tuple[list[int], Values]:
    """Binary exponents, and the share of entries of that size, both signs together: shape (exponents, histograms).

    Shares are of all entries looked at, zeros and non-finite ones included, so a column may add to less than 1.
    """
    low = min(h.low for h in histograms)
    top = max(h.low + max(len(h.positive), len(h.negative)) for h in histograms)
    counts = np.zeros((max(1, top - low), len(histograms)))
    for column, histogram in enumerate(histograms):
        for side in (histogram.positive, histogram.negative):
            start = histogram.low - low
            counts[start : start + len(side), column] += np.asarray(side, dtype=np.float64)
    total = counts.sum(axis=0) + np.array([h.zeros + h.nonfinite for h in histograms])
    exponents = list(range(low, low + counts.shape[0]))
    used = np.flatnonzero(counts.sum(axis=1) > 0)
    kept = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
    return exponents[kept], counts[kept] / np.maximum(total, 1)


def middle(exponents: Sequence[int], share: Values) -> list[float]:
    """The median size of each column, as a binary exponent, interpolated within its bin."""
    found = []
    for column in share.T:
        reached = np.cumsum(column)
        half = reached[-1] / 2
        index = int(np.searchsorted(reached, half))
        before = reached[index - 1] if index else 0.0
        found.append(exponents[index] + float((half - before) / max(column[index], 1e-300)) - 0.5)
    return found


def chart(histograms: Sequence[Histogram], frame: Frame, *, absent: str) -> JsonObject:
    """Draw sizes (log2) over steps, stronger where more entries are, with the median size as a line."""
    if not histograms:
        return empty(frame, absent)
    exponents, share = shares(histograms)
    steps = [histogram.step for histogram in histograms]
    ground = layout(frame, low=exponents[0] - 0.5, high=exponents[-1] + 0.5)
    ground["hovermode"] = "closest"
    heat: JsonObject = {
        "type": "heatmap",
        "x": steps,
        "y": exponents,
        "z": rows_of(share),
        "zmin": 0,
        "colorscale": [[0, frame.palette.card], [1, frame.palette.descend]],
        "colorbar": {"thickness": 8, "outlinewidth": 0, "len": 0.9, "tickformat": ".0%"},
        "hovertemplate": "step %{x:,d}<br>size 2^%{y}<br>%{z:.1%} of the entries<extra></extra>",
    }
    line: JsonObject = {
        "type": "scatter",
        "mode": "lines",
        "x": steps,
        "y": middle(exponents, share),
        "line": {"color": frame.palette.ink, "width": 1.2},
        "hoverinfo": "skip",
    }
    return {"data": [heat, line], "layout": ground}
