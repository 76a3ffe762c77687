"""The gradient of one half of a batch less that of the other, by a backward pass of our own through the job's graph."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ergoscope.curvature.guard import ran_out_of_memory
from ergoscope.curvature.room import spare
from ergoscope.hearing.course import Course, Place, course_of
from ergoscope.hearing.exit import Exit, Note
from ergoscope.hearing.node import Node
from ergoscope.hearing.registrations import Registrations

_HALVES = (torch.bfloat16, torch.float16)
_TRIES = 3  # readings that may come to nothing before it is given up
_ROOM = 0.1  # share of a device's memory that must be free
_STEPS = 4  # whose backward passes are remembered
Family = Sequence[Tensor]


class UnfitError(Exception):
    """The pass shows only while it runs that it says nothing: its text ends a sentence. Never leaves this module."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """What one step's batch says of one optimizer's gradient.

    root: ‖d‖, d the gradient with every other row of the model's output turned round, scaled as the loss was.
    parameters: how many parameters it has reached.
    rows: of the output.
    """

    root: Tensor | float
    parameters: int
    rows: int


class Halves:
    """Sets the even rows of a batch against the odd ones, where a job goes backward once a step.

    With g = (1/n) Σ x_i over the n rows of the model's output, d = (1/n) Σ ε_i x_i with Σ ε_i = 0 and Σ ε_i² = n: signs
    that take turns; of an odd number the last row is left out and the others weigh a little more. It takes one backward
    pass, in which the gradient at the output is multiplied by ε, and of whose result no more than norms is kept. Rows
    next to each other take opposite sides, as batches may be in some order; so rows that belong together, as two views
    of one image, make the noise too small when they are neighbours and too large when they are n/2 apart.

    The job's own pass runs afterwards through the same graph. Where that might not be the same, nothing is done.

    Attributes:
        obstacle: Why it is not possible in this job, "" as long as it may be.
        open: Whether the running step was to be looked at.
    """

    def __init__(self, model: nn.Module, *, obstacle: str = "") -> None:
        """Make it for a model; with `obstacle` it is never tried."""
        self.obstacle = obstacle
        self.open = False
        self._model = model
        self._exit = Exit(model)
        self._registrations = Registrations()
        self._failures = 0
        self._before: deque[int] = deque(maxlen=_STEPS)  # backward passes in the steps before
        self._armed = False
        self._found: list[Contrast | None] = []

    def ties_rows(self) -> bool:
        """Whether rows depend on each other by batch normalization with the batch's own statistics."""
        norms = (m for m in self._model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm))
        return any(norm.training or norm.running_mean is None for norm in norms)

    def listen(self, guard: Callable[[Note], Note]) -> None:
        """Hear forward passes through `guard`, which makes entry points that cannot disturb training."""
        self._exit.listen(guard)

    def arm(self, *, compiled: bool) -> None:
        """Look at the step that comes, unless something is in the way; `compiled` if dynamo has compiled anything."""
        self.open = True
        if compiled:
            self.obstacle = self.obstacle or "a part of the job is compiled"
        least = min(self._before, default=1)  # a step that a GradScaler left out has two, and another has one
        if least > 1:
            self.obstacle = self.obstacle or f"a step has {least} backward passes"
        if not self.obstacle:
            self._armed = True
            self._exit.open()
            self._registrations.open()

    def stepped(self, passes: int) -> None:
        """The job's step is over, after so many backward passes."""
        if self._armed and not self._found:
            self.fail("a step has no backward pass that can be seen, or several")
        self._before.append(passes)
        if self._armed or self.open:
            self.disarm()
            self.open = self._armed = False

    def disarm(self) -> None:
        """Take away what listens."""
        self._registrations.close()
        self._exit.close()

    def begin(self, roots: object, families: Callable[[], Sequence[Family]], *, number: int, plain: bool) -> bool:
        """A backward pass from `roots` is about to run; gives whether it was looked at.

        Args:
            roots: What `torch.autograd.backward` was given.
            families: Gives the parameters of each optimizer.
            number: The how manieth pass of the step it is, from 1.
            plain: Whether it was given nothing else that changes what comes out.
        """
        self._found = []  # what was found before is no longer all of the gradient
        if not self.open or self.obstacle or number > 1:
            return False
        place, hooked = self._exit.found, self._registrations.seen
        self.disarm()
        known = families()
        course: Course | str = "the job hooks gradients inside its graph" if hooked else _course(roots, place, known)
        if not plain:
            course = "the backward pass is compiled, or told more than its loss"
        if isinstance(course, str):
            self.obstacle = course
            return True
        self.obstacle = "a backward pass over it failed"  # unless it does not
        try:
            self._found = _contrasts(roots, course, known)  # type: ignore[arg-type]  # a course begins at one tensor
            self.obstacle = ""
        except UnfitError as error:
            self.obstacle = str(error)
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
            self.obstacle = "there is no memory for a second backward pass"
        return True

    def take(self, optimizer: int) -> Contrast | None:
        """What was found for an optimizer, once; None unless the last backward pass was the step's only one."""
        if optimizer >= len(self._found):
            return None
        contrast, self._found[optimizer] = self._found[optimizer], None
        return contrast

    def succeed(self) -> None:
        """A reading was of use."""
        self._failures = 0

    def fail(self, reason: str) -> None:
        """A reading was of no use; after three of them in a row it is given up for that reason."""
        self._failures += 1
        if self._failures >= _TRIES:
            self.obstacle = self.obstacle or reason


def _course(roots: object, place: Place | str, families: Sequence[Family]) -> Course | str:
    if isinstance(roots, (list, tuple)) and len(roots) == 1:
        roots = roots[0]
    if not isinstance(roots, Tensor) or roots.numel() != 1 or roots.grad_fn is None:
        return "the backward pass does not begin at one number"
    if isinstance(place, str):
        return place
    if not _roomy(roots.device):
        return "there is no memory for a second backward pass"
    return course_of(roots.grad_fn, place, {id(p) for family in families for p in family})


def _roomy(device: torch.device) -> bool:
    if device.type != "cuda":
        return True
    _, total = torch.cuda.mem_get_info(device)
    return spare(device) >= _ROOM * total


def _contrasts(roots: Tensor | Sequence[Tensor], course: Course, families: Sequence[Family]) -> list[Contrast | None]:
    loss = roots if isinstance(roots, Tensor) else roots[0]
    norms: dict[int, Tensor | float] = {}
    with _turned(course.place, course.penalties), _consumed(course.parameters, norms):
        torch.autograd.grad(loss, course.parameters, retain_graph=True, allow_unused=True)
    found: list[Contrast | None] = []
    for family in families:
        own = [norms[id(p)] for p in family if id(p) in norms]
        found.append(Contrast(_together(own), len(own), course.place.rows) if own else None)
    return found


@contextmanager
def _turned(place: Place, penalties: Sequence[Node] = ()) -> Iterator[None]:
    """Multiply the gradient that comes to a place by signs, every other row the other one, and let none into penalties.

    What penalties add is the same for any rows, so it is slope and no noise.
    """

    def turn(gradients: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        if any(g is not None for i, g in enumerate(gradients) if i != place.result):
            raise UnfitError("the loss depends on the model's output and on something made together with it")
        return tuple(g if g is None else g * signs_of(len(g), g) for g in gradients)

    def stop(gradients: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
        return tuple(g if g is None else torch.zeros_like(g) for g in gradients)

    handles = [place.node.register_prehook(turn)]  # type: ignore[attr-defined]  # every node has it
    handles += [node.register_prehook(stop) for node in penalties]  # type: ignore[attr-defined]  # as above
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _consumed(parameters: Sequence[Tensor], norms: dict[int, Tensor | float]) -> Iterator[None]:
    """Take the norm of each gradient when it is there, and leave one zero of it: no second gradient is in memory."""

    def consume(key: int, gradient: Tensor) -> Tensor:
        if gradient.layout != torch.strided:
            raise UnfitError("a gradient is sparse")
        norm = torch.linalg.vector_norm(gradient, dtype=torch.float32 if gradient.dtype in _HALVES else None)
        norms[key] = norm.item() if norm.device.type == "cpu" else norm
        return gradient.new_zeros(()).expand_as(gradient)

    placed: list[tuple[Tensor, RemovableHandle]] = []
    try:
        for parameter in parameters:
            hook = partial(consume, id(parameter))
            placed.append((parameter, parameter.register_hook(hook)))  # type: ignore[no-untyped-call]  # torch's
        yield
    finally:
        for parameter, handle in placed:
            handle.remove()
            if not parameter._backward_hooks:
                parameter._backward_hooks = None  # or autograd would call into Python for an empty list at every pass


def signs_of(rows: int, like: Tensor) -> Tensor:
    """Weights of rows, of sum zero and mean square one: 1, -1, 1, ... and for an odd number 0 for the last.

    Returns:
        Shape (rows, 1, ...), with the dimensions, dtype and device of `like`.

    Example:
        >>> signs_of(4, torch.zeros(4)).tolist()
        [1.0, -1.0, 1.0, -1.0]
    """
    even = rows - rows % 2
    signs = 1.0 - 2.0 * (torch.arange(rows, device=like.device) % 2)
    if even < rows:
        signs = signs * (rows / even) ** 0.5
        signs[-1] = 0.0
    return signs.to(like.dtype).reshape(-1, *[1] * (like.dim() - 1))


def _together(norms: Sequence[Tensor | float]) -> Tensor | float:
    here: float = sum([n * n for n in norms if not isinstance(n, Tensor)]) ** 0.5
    there = [n for n in norms if isinstance(n, Tensor)]
    if not there:
        return here
    device = there[0].device
    all_ = [*there, torch.full((), here, device=device)]
    root: Tensor = torch.linalg.vector_norm(torch.stack([n.to(device, torch.float32, non_blocking=True) for n in all_]))
    return root
