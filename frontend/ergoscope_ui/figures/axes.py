"""How far axes reach: in steps, so that a growing run does not move the page at every point."""

import math

import numpy as np

from ergoscope_ui.curve import Values


def tick(span: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is at most `span`; 1 when there is no span.

    Example:
        >>> tick(2280.0), tick(0.07)
        (2000.0, 0.05)
    """
    if not math.isfinite(span) or span <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(span))
    return max(unit * size for unit in (1.0, 2.0, 5.0) if unit * size <= span * (1 + 1e-9))


def grow(last: int) -> int:
    """The end of a step axis for a run that has come to step `last`: room for about a tenth more.

    Example:
        >>> grow(18240), grow(10000), grow(3)
        (20000, 10000, 10)
    """
    if last <= 10:
        return 10
    step = tick(last / 8)
    return int(math.ceil(last / step - 1e-9) * step)


def reach(low: Values, high: Values, mean: Values, *, zero: bool = True) -> tuple[float, float]:
    """The value axis that shows a curve with its band; `zero` lets it begin there when that is near.

    An extreme further from the bulk (2nd to 98th percentile) than three times its height is left outside, so that
    one spike does not flatten the rest; the chart then names it in words.
    """
    finite = mean[np.isfinite(mean)]
    if not finite.size or np.nanmin(low) == np.nanmax(high) == 0:
        return 0.0, 1.0  # around nothing but zeros, whose own size is none
    bottom, top = (float(v) for v in np.quantile(finite, [0.02, 0.98]))
    body = max(top - bottom, 1e-3 * max(abs(top), abs(bottom)), 1e-12)
    # Around one value alone a tenth of it: an axis of its last digits would say nothing.
    room = 0.1 * abs(top) if np.nanmin(low) == np.nanmax(high) else 0.0
    floor = max(float(np.nanmin(low)), bottom - 3 * body) - room
    ceiling = min(float(np.nanmax(high)), top + 3 * body) + room
    if zero and 0 < floor < 0.5 * ceiling:
        floor = 0.0
    unit = tick(max(ceiling - floor, body) / 6)
    return math.floor(floor / unit - 0.02) * unit if floor else 0.0, math.ceil(ceiling / unit + 0.02) * unit


def beyond(curve_high: Values, top: float) -> int | None:
    """Where the largest value lies that is above `top`, as an index; None when there is none."""
    if not np.isfinite(curve_high).any():
        return None
    index = int(np.nanargmax(curve_high))
    return index if curve_high[index] > top else None
