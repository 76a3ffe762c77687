"""The gradient of each backward pass by itself, before it is added to the others.

A hook on a parameter sees what autograd is about to add to its `grad`: the sum over all uses of the parameter in that
pass, of this process alone, before any averaging over processes. Hooks are there only during the backward passes of a
step that is looked at, never during a forward pass, so nothing is compiled again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from ergoscope.numerics.scaling import factor_of
from ergoscope.shards import is_spread

See = Callable[[int, Tensor], None]
_HALVES = (torch.bfloat16, torch.float16)


@dataclass(frozen=True, slots=True)
class Heard:
    """The backward passes between two steps that reached an optimizer's parameters.

    count: how many.
    root: √(Σ ‖p_i‖²) over them, p_i as autograd saw it: a scaled loss makes a scaled gradient.
    parameters: how many parameters they reached.
    factors: what each loss was multiplied by last, where that is a tensor: a GradScaler's scale or another.
    """

    count: int
    root: Tensor | float
    parameters: int
    factors: tuple[Tensor | None, ...]


class Pieces:
    """Hears the backward passes between two steps of one optimizer.

    What was heard counts only when all of it was: a pass that failed, gradients that somebody changed between two
    passes, sparse gradients, and a parameter that was added to twice in one pass (checkpoints inside it) void it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin deaf; `clock` gives seconds that only grow."""
        self.seconds = 0.0  # that hooks took since somebody last set it to zero
        self._clock = clock
        self._see: See | None = None
        self._placed: list[tuple[Tensor, RemovableHandle, bool]] = []
        self.open_passes = 0  # backward passes that run now, one inside the other
        self._whole = False  # whether everything since the last step was heard
        self._squares: list[Tensor | float] = []  # norms of one pass
        self._fired: set[int] = set()
        self._reached: set[int] = set()
        self._roots: list[Tensor] = []  # root of each pass
        self._total = 0.0
        self._count = 0
        self._factors: list[Tensor | None] = []
        self._mark: tuple[Tensor, Tensor, int] | None = None  # a parameter, its gradient, the gradient's version

    def listen(self, guard: Callable[[See], See]) -> None:
        """See gradients through `guard`, which makes entry points that cannot disturb training."""
        self._see = guard(self._look)

    def open(self, parameters: Iterable[Tensor], roots: object) -> None:
        """A backward pass from `roots` is about to run: place the hooks."""
        self.open_passes += 1
        if self.open_passes > 1 or self._see is None:
            return
        self._look_back()
        self._factors.append(factor_of(roots[0] if isinstance(roots, (list, tuple)) and roots else roots))
        for number, parameter in enumerate(parameters):
            if parameter.requires_grad:
                if is_spread(parameter):
                    self._whole = False
                bare = parameter._backward_hooks is None
                handle = parameter.register_hook(partial(self._see, number))  # type: ignore[no-untyped-call]  # torch leaves it untyped
                self._placed.append((parameter, handle, bare))

    def close(self, finished: bool) -> None:
        """The backward pass is over: take the hooks away and add up what it brought; `finished` if it did not fail."""
        self.open_passes -= 1
        if self.open_passes:
            return
        marked = None
        for number, (parameter, handle, bare) in enumerate(self._placed):
            handle.remove()
            if bare and not parameter._backward_hooks:
                parameter._backward_hooks = None  # or autograd would call into Python for an empty list at every pass
            if marked is None and number in self._fired:
                marked = parameter
        self._placed.clear()
        self._whole &= finished
        self._add_up()
        grad = None if marked is None else marked.grad
        if marked is not None and grad is not None:
            self._mark = marked, grad, grad._version

    def take(self) -> Heard | None:
        """What was heard since the last call, which must be at the last step; None when not all of it was."""
        heard = None
        if self._whole and self._count and not self.open_passes:
            here = self._total**0.5  # of parameters in host memory
            root: Tensor | float = here
            if self._roots:
                rest = torch.full((), here, device=self._roots[0].device)
                root = torch.linalg.vector_norm(torch.stack([*self._roots, rest]))
            heard = Heard(self._count, root, len(self._reached), tuple(self._factors))
        self.restart()
        return heard

    def restart(self) -> None:
        """The optimizer has stepped: what comes now is complete."""
        if self._count or self._fired or self._factors:
            self._forget()
        self._whole = not self.open_passes  # a step inside a backward pass leaves the rest of the pass to the next

    def miss(self) -> None:
        """A backward pass runs that cannot be heard."""
        self._whole = False

    def deafen(self) -> None:
        """Take away whatever hooks are still there."""
        for _, handle, _ in self._placed:
            handle.remove()
        self._placed.clear()
        self.open_passes, self._whole = 0, False

    def _look(self, number: int, gradient: Tensor) -> None:
        start = self._clock()
        if number in self._fired or gradient.layout != torch.strided:
            self._whole = False
        self._fired.add(number)
        if self._whole:
            dtype = torch.float32 if gradient.dtype in _HALVES else None
            norm = torch.linalg.vector_norm(gradient.detach(), dtype=dtype)
            self._squares.append(norm.item() ** 2 if norm.device.type == "cpu" else norm)
        self.seconds += self._clock() - start

    def _look_back(self) -> None:
        """See whether the gradients still are what the last pass left."""
        if self._mark is None:
            return
        parameter, grad, version = self._mark
        if parameter.grad is None:
            self._forget()  # all that came before was thrown away
        elif parameter.grad is not grad or grad._version != version:
            self._whole = False

    def _add_up(self) -> None:
        if not self._fired:
            return
        self._reached |= self._fired
        self._fired = set()
        squares, self._squares = self._squares, []
        if not self._whole:
            return
        self._count += 1
        self._total += sum([s for s in squares if not isinstance(s, Tensor)])
        norms = [s for s in squares if isinstance(s, Tensor)]
        if norms:
            device = (self._roots or norms)[0].device
            together = torch.stack([n.to(device, torch.float32, non_blocking=True) for n in norms])
            self._roots.append(torch.linalg.vector_norm(together))

    def _forget(self) -> None:
        self._squares, self._fired, self._reached, self._roots = [], set(), set(), []
        self._total, self._count = 0.0, 0
        self._factors, self._mark = [], None
