"""What a user asks for of a run's curvature."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor, nn

from ergoscope.curvature.blocks import Scope

Asked = Literal["model", "blocks", "last"]
_ALLOWED = ", ".join(repr(one) for one in get_args(Scope))


@dataclass(frozen=True, slots=True, kw_only=True)
class Curvature:
    """How a run's curvature is measured: `ergoscope.watch(..., curvature=Curvature(every=500))`.

    scope: Over which parameters: of the whole "model", of its "blocks" one after the other, or of the "last" layer.
    every: Steps between two readings, at least; None is as often as the budget allows.
    probe, loss_fn: A fixed batch and the loss on it, as for `watch`; without them the training's own batch is taken, in
        the pass that the training makes over it anyway, and readings of different steps are of different batches.

    Raises:
        TypeError: `every` is no whole number.
        ValueError: `scope` is none of the three, or `every` is below 1.
    """

    scope: Scope = "model"
    every: int | None = None
    probe: object = None
    loss_fn: Callable[[nn.Module, object], Tensor] | None = None

    def __post_init__(self) -> None:
        if self.scope not in get_args(Scope):
            raise ValueError(f"curvature's scope is {self.scope!r}; it must be one of {_ALLOWED}")
        if self.every is not None and (not isinstance(self.every, int) or isinstance(self.every, bool)):
            raise TypeError(f"curvature's every is {self.every!r}; it must be a whole number of steps, or None")
        if self.every is not None and self.every < 1:
            raise ValueError(f"curvature's every is {self.every}; it must be at least 1, or None")

    @classmethod
    def of(cls, asked: "Asked | Curvature | None") -> "Curvature | None":
        """Read what `watch` was given.

        Raises:
            TypeError: It is neither a word nor a `Curvature`.
            ValueError: The word is none of the three.
        """
        if asked is None or isinstance(asked, cls):
            return asked
        if not isinstance(asked, str):
            raise TypeError(
                f"curvature is a {type(asked).__name__}; it must be one of {_ALLOWED}, an ergoscope.Curvature, or None"
            )
        return cls(scope=asked)
