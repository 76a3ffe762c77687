"""The verdict on whole series, as it would stand if they had been watched from the first step."""

from collections.abc import Mapping

import numpy.typing as npt

from ergoscope_contract.answers import Verdict
from ergoscope_server.history.chronicle import Chronicle, verdict
from ergoscope_server.history.due import BEAT
from ergoscope_server.history.play import CATCH_UP, play
from ergoscope_server.indicators.assessment import RunData
from ergoscope_server.indicators.invariance import UNSEEN, Looks
from ergoscope_server.indicators.points import NOTHING, Points, points, spacing


def verdict_of(
    steps: npt.ArrayLike,
    loss: npt.ArrayLike,
    *,
    grad_steps: npt.ArrayLike = (),
    grad_norm: npt.ArrayLike = (),
    lr_steps: npt.ArrayLike = (),
    lr: npt.ArrayLike = (),
    measured: Mapping[str, Points] | None = None,
    looks: Looks = UNSEEN,
    resets: tuple[tuple[int, str], ...] = (),
    run: str = "run",
    final: bool = False,
) -> Verdict:
    """Give the verdict on whole series, as it would stand if they had been watched from the first step.

    Args:
        steps: Steps at which the loss was logged, rising.
        loss: The losses.
        grad_steps: Steps of the gradient norm.
        grad_norm: The gradient norms.
        lr_steps: Steps of the learning rate.
        lr: The learning rates.
        measured: Other series by their keys, such as `grad_sq_norm_debiased`.
        looks: Sketches of the weights.
        resets: Steps at which something other than the learning rate changed, with the kind.
        run: The run's id.
        final: The run has ended.

    Raises:
        ValueError: steps and values are not equally many.
    """
    losses, grad = points(steps, loss), points(grad_steps, grad_norm)
    known = measured or {}
    data = RunData(
        losses,
        grad,
        points(lr_steps, lr),
        losses,
        grad,
        resets=resets,
        sharpness=known.get("sharpness_ratio", NOTHING),
        update=known.get("update_norm", NOTHING),
        looks=lambda: looks,
        measured=lambda key: known.get(key, NOTHING),
    )
    chronicle, newest = Chronicle(), data.newest
    stretch = CATCH_UP * BEAT * spacing(losses.steps)  # as much as is played without stretching the grid
    for end in range(int(losses.steps[0]) if len(losses) else 0, newest or 0, stretch):
        chronicle = play(chronicle, data.upto(end), run=run, now=0.0).chronicle
    chronicle = play(chronicle, data, run=run, now=0.0, final=final).chronicle
    return verdict(chronicle, run=run, newest=newest)
