"""Which parameters an optimizer moves, what they are called, and which of them have a gradient now."""

from dataclasses import dataclass
from typing import NewType

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ergoscope.numerics.norms import common_dtype
from ergoscope.remark import Remarks
from ergoscope.shards import answering, is_partial, is_spread, local, seat

Names = NewType("Names", dict[int, str])  # id of a parameter -> its name

_WRAPPINGS = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
_LAYOUTS = 64  # sets of layers with gradients that get their own series; models that route at random have more
_OPTIMIZERS = 1 << 20  # more than a job has
_NOTHING = 1e-30  # what a parameter without entries counts as there: something to divide by, and no more
_ABSENT = "their norms are absent, not zero"
_SPREAD = (
    "parameters are spread over several processes: norms are added up over them, every other quantity of the gradients "
    "and weights is absent, not zero"
)
_FLOOR = 1e-3  # weights smaller than this root mean square count as this large in a ratio


def parameters_of(optimizer: Optimizer) -> list[Tensor]:
    """All parameters of an optimizer as it holds them now, group by group."""
    return [p for group in optimizer.param_groups for p in group["params"]]


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
    """The parameters of one optimizer, kept in one flat list so that a step does little work for each of them.

    In a job of many processes these are the ones that this process answers for: of a sharded parameter the part that
    it holds, of one that all processes hold alike the whole on rank 0 and nothing elsewhere. Norms of them add up, in
    squares over the processes, to those of the model.

    Attributes:
        spread: Whether a parameter is a distributed one, so that only sums over entries say something of the model.
        remarks: What the user is to be told about parameters that had to be left out.
    """

    def __init__(self, optimizer: Optimizer, names: Names, *, series: int) -> None:
        """Remember the optimizer; `series` tells the layouts of several optimizers apart."""
        self.optimizer = optimizer
        self.spread = False
        self.remarks = Remarks()
        self._names = names
        self._series = series
        self._made = 0
        self._shape: tuple[int, ...] = ()
        self._owned: list[tuple[int, Tensor]] = []  # position in the optimizer, and its own object
        self._summands: set[int] = set()  # positions whose gradients are summands
        self._parameters: list[Tensor] = []
        self._layouts: dict[tuple[int, ...], Layout] = {}

    def moment(self) -> Moment | None:
        """Look at the optimizer now; None when it has no parameter that can be measured here.

        Parameters that were frozen, unfrozen or added since the last call are seen.
        """
        shape = tuple([len(group["params"]) for group in self.optimizer.param_groups])
        if shape != self._shape:
            self._gather(shape)
        maybe = self._gradients()
        if not self._parameters:
            return None
        absent = tuple([i for i, g in enumerate(maybe) if g is None])
        grads = [g for g in maybe if g is not None] if absent else maybe
        parameters = self._parameters
        layout = self._layouts.get(absent)
        if layout is None:
            layout = self._layout(absent, grads)  # type: ignore[arg-type]  # no None is left in it
        active = [parameters[i] for i in layout.active] if absent else parameters
        return Moment(self.optimizer, layout, parameters, active, grads)  # type: ignore[arg-type]  # as above

    def _gather(self, shape: tuple[int, ...]) -> None:
        flat = parameters_of(self.optimizer)
        rank, left, computed, before = seat().rank, 0, 0, self.spread
        self._owned = []
        for position, parameter in enumerate(flat):
            if not parameter.is_leaf:  # merely to ask for its gradient makes torch warn
                computed += 1
                continue
            ranks = answering(parameter)
            left += ranks is None
            if ranks is not None and rank in ranks:
                self._owned.append((position, parameter))
        self.spread = any(map(is_spread, flat))
        if self.spread and not before:
            self.remarks.tell(_SPREAD)
        if computed:
            self.remarks.tell(f"{computed} parameters are results of a computation, not its leaves; {_ABSENT}")
        if left:
            self.remarks.tell(f"{left} parameters are spread over processes in a way that has no norm here; {_ABSENT}")
        self._shape = shape
        self._forget()

    def _forget(self) -> None:
        self._parameters = [local(p) for _, p in self._owned]
        self._layouts.clear()

    def _gradients(self) -> list[Tensor | None]:
        """Gradients of the owned parameters; of distributed ones the part that is here."""
        if not self.spread:
            return [p.grad for p in self._parameters]
        if any(local(p) is not here for (_, p), here in zip(self._owned, self._parameters, strict=True)):
            self._forget()  # the job has put the model elsewhere
        grads = [p.grad for _, p in self._owned]
        summands = {at for (at, _), g in zip(self._owned, grads, strict=True) if is_partial(g)}
        if not summands <= self._summands:
            self._summands |= summands
            self.remarks.tell(f"the gradients of {len(summands)} parameters are not added over processes; {_ABSENT}")
        return [
            None if g is None or at in summands else local(g) for (at, _), g in zip(self._owned, grads, strict=True)
        ]

    def _layout(self, absent: tuple[int, ...], grads: list[Tensor]) -> Layout:
        layered = len(self._layouts) < _LAYOUTS
        names = tuple(self._name(position, p) for position, p in self._owned)
        active = tuple(i for i in range(len(names)) if i not in set(absent))
        layout = Layout(
            number=self._series + _OPTIMIZERS * self._made,
            names=names,
            active=active,
            moved=tuple(names[i] for i in active),
            floors=tuple(_FLOOR * p.numel() ** 0.5 or _NOTHING for p in self._parameters),
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
