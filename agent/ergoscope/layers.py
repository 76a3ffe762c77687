"""Which parameters an optimizer moves, what they are called, and which of them have a gradient now."""

from dataclasses import dataclass
from typing import NewType

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.norms import common_dtype

Names = NewType("Names", dict[int, str])  # id of a parameter -> its name

_WRAPPINGS = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
_LAYOUTS = 64  # sets of layers with gradients that get their own series; models that route at random have more
_OPTIMIZERS = 1 << 20  # more than a job has
_FLOOR = 1e-3  # weights smaller than this root mean square count as this large in a ratio


def name_parameters(model: nn.Module) -> Names:
    """Name the parameters of a model as the user wrote them, without what wrappers put into the names.

    `torch.compile`, FSDP and checkpoint wrappers are taken out wherever they stand; a leading "module." only when all
    names have it, as then it is a parallel wrapper and not the user's own word. A tied parameter has its first name.
    """
    found: dict[int, str] = {}
    for name, parameter in model.named_parameters():
        for wrapping in _WRAPPINGS:
            name = name.replace(wrapping, "")
        found[id(parameter)] = name
    while found and all(name.startswith("module.") for name in found.values()):
        found = {key: name.removeprefix("module.") for key, name in found.items()}
    return Names(found)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """One set of layers that have a gradient.

    number: tells layouts of one attachment apart.
    names: of all parameters; `active` are the positions of those with a gradient, `moved` their names.
    floors: for each parameter the least weight norm that a ratio divides by: 1e-3 times the root of its size.
    layered: False when there are too many different layouts to keep series for each layer.
    weight_dtype, grad_dtype: how to take norms, see `common_dtype`.
    """

    number: int
    names: tuple[str, ...]
    active: tuple[int, ...]
    moved: tuple[str, ...]
    floors: tuple[float, ...]
    layered: bool
    weight_dtype: torch.dtype | None
    grad_dtype: torch.dtype | None


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One optimizer at one moment: `parameters` all of its own, `active` those with a gradient, `grads` these."""

    optimizer: Optimizer
    layout: Layout
    parameters: list[Tensor]
    active: list[Tensor]
    grads: list[Tensor]


class Layers:
    """The parameters of one optimizer, kept in one flat list so that a step does little work for each of them."""

    def __init__(self, optimizer: Optimizer, names: Names, *, series: int) -> None:
        """Remember the optimizer; `series` tells the layouts of several optimizers apart."""
        self.optimizer = optimizer
        self.sharded = 0  # parameters left out because this process holds only a part of them
        self._names = names
        self._series = series
        self._made = 0
        self._shape: tuple[int, ...] = ()
        self._parameters: list[Tensor] = []
        self._layouts: dict[tuple[int, ...], Layout] = {}

    def moment(self) -> Moment | None:
        """Look at the optimizer now; None when it has no parameter that can be measured.

        Parameters that were frozen, unfrozen or added since the last call are seen.
        """
        shape = tuple([len(group["params"]) for group in self.optimizer.param_groups])
        if shape != self._shape:
            self._gather(shape)
        parameters = self._parameters
        if not parameters:
            return None
        maybe = [p.grad for p in parameters]
        absent = tuple([i for i, g in enumerate(maybe) if g is None])
        grads = [g for g in maybe if g is not None] if absent else maybe
        layout = self._layouts.get(absent)
        if layout is None:
            layout = self._layout(absent, grads)  # type: ignore[arg-type]  # no None is left in it
        active = [parameters[i] for i in layout.active] if absent else parameters
        return Moment(self.optimizer, layout, parameters, active, grads)  # type: ignore[arg-type]  # as above

    def _gather(self, shape: tuple[int, ...]) -> None:
        flat = [p for group in self.optimizer.param_groups for p in group["params"]]
        self._parameters = [p for p in flat if not hasattr(p, "_local_tensor")]
        self.sharded = len(flat) - len(self._parameters)
        self._shape = shape
        self._layouts.clear()

    def _layout(self, absent: tuple[int, ...], grads: list[Tensor]) -> Layout:
        layered = len(self._layouts) < _LAYOUTS
        names = tuple(self._name(i, p) for i, p in enumerate(self._parameters))
        active = tuple(i for i in range(len(names)) if i not in set(absent))
        layout = Layout(
            number=self._series + _OPTIMIZERS * self._made,
            names=names,
            active=active,
            moved=tuple(names[i] for i in active),
            floors=tuple(_FLOOR * max(p.numel(), 1) ** 0.5 for p in self._parameters),
            layered=layered,
            weight_dtype=common_dtype(self._parameters),
            grad_dtype=common_dtype(grads),
        )
        self._made += 1
        if layered:
            self._layouts[absent] = layout
        return layout

    def _name(self, position: int, parameter: Tensor) -> str:
        return self._names.get(id(parameter), f"optimizer{self._series}.param{position}")
