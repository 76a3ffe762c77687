"""A curve as small as a word: a drawing that takes its colour from the page, since it is used as a mask."""

from urllib.parse import quote

import numpy as np

from ergoscope_ui.curve import Curve

WIDTH, HEIGHT = 110, 26


def outline(curve: Curve) -> list[tuple[float, float]]:
    """The curve's means as points in a box of 110 by 26 pixels, the largest on top; gaps are bridged.

    The top is at most three bulk heights above the bulk, as on the charts, so one spike does not flatten the rest.
    """
    known = np.isfinite(curve.mean)
    steps, values = curve.last[known], curve.mean[known]
    if steps.size < 2:
        return []
    bottom, top = (float(v) for v in np.quantile(values, [0.02, 0.98]))
    body = max(top - bottom, 1e-12)
    values = np.clip(values, bottom - 3 * body, top + 3 * body)
    span = max(float(values.max() - values.min()), 1e-12)
    across = (steps - steps[0]) / max(1, int(steps[-1] - steps[0])) * (WIDTH - 2) + 1
    down = (values.max() - values) / span * (HEIGHT - 6) + 3
    return list(zip(across.round(1).tolist(), down.round(1).tolist(), strict=True))


def mask(curve: Curve | None) -> str:
    """The drawing as a style sheet's `url(...)`; empty when there are not two points."""
    points = outline(curve) if curve is not None else []
    if not points:
        return ""
    path = " ".join(f"{x},{y}" for x, y in points)
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<polyline fill="none" stroke="#000" stroke-width="1.3" points="{path}"/></svg>'
    )
    return f'url("data:image/svg+xml,{quote(drawing)}")'
