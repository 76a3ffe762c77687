"""The edge of stability: sharpness rises until the optimizer can just hold it, and stays there.

Gradient descent, heavy ball and Adam fit the same 20 points with all of them in every step. Each is a run of its own;
on the page their `sharpness_ratio` settles near 1: the largest curvature over what that optimizer holds at its rate.
After Cohen et al. (2021), and (2022) for Adam, whose curvature is that in its own coordinates.

    ergoscope up                                    # in another terminal, with the page
    python examples/edge_of_stability.py            # --figure edge.html writes the curves to a file
"""

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import ergoscope


@dataclass(frozen=True)
class Case:
    """An optimizer and the curvature that it holds: that of the Hessian, or of the one in Adam's coordinates.

    `rule` is how that follows from its settings.
    """

    name: str
    make: Callable[[Iterable[Tensor]], torch.optim.Optimizer]
    threshold: float
    rule: str
    metric: str = "lambda_max"


CASES = (
    Case("gradient descent", lambda weights: torch.optim.SGD(weights, lr=0.2), 2 / 0.2, "2/lr"),
    Case(
        "heavy ball",
        lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.7),
        (2 + 1.4) / 0.1,
        "(2 + 2 momentum)/lr",
    ),
    Case("Adam", lambda weights: torch.optim.Adam(weights, lr=2e-3), 38 / 2e-3, "38/lr", metric="lambda_max_precond"),
)


def train(case: Case, steps: int) -> ergoscope.Run:
    """Fit the Chebyshev polynomial of degree 4; the budget lets readings take as long as the steps themselves."""
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 20)[:, None]
    y = torch.cos(4 * torch.acos(x))
    model = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
    optimizer = case.make(model.parameters())
    config = {"threshold": case.threshold}
    run = ergoscope.watch(
        model, optimizer, curvature="model", budget=1.0, project="edge of stability", name=case.name, config=config
    )
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    run.finish()
    return run


def tell(case: Case, run: ergoscope.Run, last: int = 3) -> ergoscope.Points | None:
    """Print the last readings beside the threshold; give the ratio, or None where no server has it."""
    print(f"{case.name} holds a curvature of {case.rule} = {case.threshold:g}")
    try:
        stored = ergoscope.Api(run.settings.base_url, api_key=run.settings.api_key).run(run.id)
        sharpness, ratio = stored.series(case.metric), stored.series("sharpness_ratio")
    except ergoscope.ErgoscopeError:
        print("  no server has its readings; `ergoscope up`, then `ergoscope sync` brings them there")
        return None
    for step, value in list(zip(sharpness.steps, sharpness.values, strict=True))[-last:]:
        print(f"  step {step}: {value:.4g}, {value / case.threshold:.3f} of it")
    return ratio


def draw(curves: dict[str, ergoscope.Points], path: str) -> None:
    """Write the ratios as a figure, by what the curves are called."""
    import plotly.graph_objects as go

    figure = go.Figure(layout={"xaxis_title": "step", "yaxis_title": "sharpness / threshold"})
    for name, points in curves.items():
        figure.add_scatter(x=points.steps, y=points.values, name=name, mode="lines+markers")
    figure.add_hline(y=1.0, line_dash="dot", annotation_text="the threshold of each")
    figure.write_html(path)


def main(steps: int = 5000, figure: str = "") -> None:
    """Train with each optimizer in turn, then say where its sharpness has come to."""
    curves = {}
    for case in CASES:
        found = tell(case, train(case, steps))
        if found is not None:
            curves[f"{case.name}, threshold {case.rule} = {case.threshold:g}"] = found
    if figure and curves:
        draw(curves, figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--figure", default="", metavar="FILE", help="write the curves to an HTML file")
    given = parser.parse_args()
    main(given.steps, given.figure)
