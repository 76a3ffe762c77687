"""Running a job's model once more so that its training cannot tell.

Put back is what a pass changes by itself: random generators, buffers, modes, gradients and the modules' attributes,
also what is in the lists, sets and dictionaries among these. Out of reach is what it changes inside of other objects: a
generator of its own, a global variable, a file. Hooks that the job itself has placed run, as they would in any pass.
"""

import random
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.autograd.grad_mode import _unsafe_preserve_version_counter

Collection = list[object] | set[object] | deque[object] | dict[object, object]
_TABLES = ("_parameters", "_buffers", "_modules")
_MOST = 8192  # members of collections that are kept: to copy and compare them takes a few milliseconds
_running: list[nn.Module] = []  # what hears a pass may be on another thread, so this cannot be handed around


class TooManyMembersError(ValueError):
    """A model keeps so much in lists and dictionaries that no pass is run."""


def probing() -> bool:
    """Whether a guarded pass is running: what listens to training's own passes then looks away."""
    return bool(_running)


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that host or device had no memory left.

    Example:
        >>> ran_out_of_memory(MemoryError()), ran_out_of_memory(ValueError("memory"))
        (True, False)
    """
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        sign in str(error) for sign in ("out of memory", "can't allocate memory", "not enough memory")
    )


@contextmanager
def guarded(model: nn.Module, *, seed: int | None = None) -> Iterator[None]:
    """Run passes of `model`, and leave everything that training works with as it was, to the last bit.

    Put back on the way out, also after an error, which passes through: torch's generators on the host and on every
    device in use, Python's and numpy's; bits, identity and version of all buffers; of all modules what is an attribute,
    a parameter, a buffer, a member of an attribute that collects, and whether they are in training mode; gradients of
    the parameters, which are away inside; whether gradients are needed, for each parameter and as a mode.

    Graphs that are built inside must be done with inside. Autocast stays as it is, but its cache is not used: copies
    made without gradients would stay in it for training to find. Compiled code is passed over and runs as written,
    because another mode or shape would compile it again. What is built up once for each new shape, as the choice of a
    convolution's algorithm by `torch.backends.cudnn.benchmark`, stays.

    Args:
        model: Whatever runs is this module or inside of it; not its data-parallel wrapper.
        seed: Seeds the generators inside, so that several passes draw the same masks; None leaves them as they stand.

    Raises:
        RuntimeError: It is used inside a function that is being compiled.
        TooManyMembersError: The modules' collections have more members than can be put back in passing.
    """
    with ExitStack() as stack:
        stack.enter_context(_as_written())
        stack.enter_context(modes_kept())
        generators = stack.enter_context(_generators_kept(model))
        stack.enter_context(_modules_kept(model))
        stack.enter_context(_gradients_aside(model))
        stack.enter_context(_buffers_kept(model))
        _running.append(model)
        stack.callback(_running.pop)
        if seed is not None:
            _sow(generators, seed)
        yield


def _as_written() -> AbstractContextManager[object]:
    # Where dynamo was never imported nothing is compiled, and to import it would take seconds.
    if "torch._dynamo" not in sys.modules or not hasattr(torch.compiler, "set_stance"):
        return nullcontext()
    stance: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return stance


@contextmanager
def modes_kept() -> Iterator[None]:
    """Work without autocast's cache, and leave it and the mode of gradients as they were."""
    grad, cache = torch.is_grad_enabled(), torch.is_autocast_cache_enabled()
    try:
        torch.set_autocast_cache_enabled(False)
        yield
    finally:
        torch.set_grad_enabled(grad)
        torch.set_autocast_cache_enabled(cache)


@contextmanager
def _generators_kept(model: nn.Module) -> Iterator[list[torch.Generator]]:
    """Keep the states of all default generators; gives torch's own. Of devices their states are kept on the host."""
    generators = default_generators(model)
    states = [generator.get_state() for generator in generators]
    of_python, numpy = random.getstate(), sys.modules.get("numpy.random")
    of_numpy = None if numpy is None else numpy.get_state(legacy=False)
    try:
        yield generators
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
        random.setstate(of_python)
        if numpy is not None:
            numpy.set_state(of_numpy)


def default_generators(model: nn.Module) -> list[torch.Generator]:
    """List torch's own generators on the host and on every device in use; `model` tells whether Apple's is."""
    found = [torch.default_generator]
    for backend in (torch.cuda, torch.xpu):
        if backend.is_initialized():
            found += backend.default_generators
    if any(tensor.device.type == "mps" for tensor in (*model.parameters(), *model.buffers())):
        found.append(torch.mps._get_default_mps_generator())
    return found


def _sow(generators: list[torch.Generator], seed: int) -> None:
    # Not `torch.manual_seed`: on a device that is not in use yet it would leave a seed behind for the first use.
    for generator in generators:
        generator.manual_seed(seed)
    random.seed(seed)
    numpy = sys.modules.get("numpy.random")
    if numpy is not None and numpy.get_state(legacy=False)["bit_generator"] == "MT19937":  # no other can be seeded
        numpy.seed(seed)


@contextmanager
def _modules_kept(model: nn.Module) -> Iterator[None]:
    modules = list(model.modules())
    flags = [module.training for module in modules]
    tables: list[dict[str, object]] = []
    collections: list[Collection] = []
    for module in modules:
        own = vars(module)
        tables += [own, *(own[name] for name in _TABLES if type(own.get(name)) is dict)]
        collections += [v for name, v in own.items() if type(v) in (list, set, deque, dict) and name not in _TABLES]
    held = sum(map(len, collections))
    if held > _MOST:
        raise TooManyMembersError(
            f"its modules keep {held:,} members in lists and dictionaries, and more than {_MOST:,} would take too long "
            "to put back after each pass"
        )
    before, members = [dict(table) for table in tables], [_members(one) for one in collections]
    try:
        yield
    finally:
        for table, entries in zip(tables, before, strict=True):
            _put_back(table, entries)
        for collection, content in zip(collections, members, strict=True):
            _refill(collection, content)
        for module, training in zip(modules, flags, strict=True):
            if module.training != training:  # a scripted module keeps it elsewhere
                module.training = training


def _put_back(table: dict[str, object], entries: dict[str, object]) -> None:
    """Make a dictionary hold just these objects, in this order; one that does is not written to."""
    for name in table.keys() - entries.keys():
        del table[name]
    if list(table) != list(entries):
        table.clear()  # the order of buffers is that of a saved state
    for name, value in entries.items():
        if name not in table or table[name] is not value:
            table[name] = value


def _members(collection: Collection) -> list[object]:
    return [part for pair in collection.items() for part in pair] if isinstance(collection, dict) else list(collection)


def _refill(collection: Collection, before: list[object]) -> None:
    """Make a collection hold just these objects; one that does is not written to. None is asked what it equals."""
    now = _members(collection)
    if len(now) == len(before) and all(a is b for a, b in zip(now, before, strict=True)):
        return
    collection.clear()
    if isinstance(collection, dict):
        collection.update(zip(before[::2], before[1::2], strict=True))
    elif isinstance(collection, set):
        collection.update(before)
    else:
        collection.extend(before)


@contextmanager
def _gradients_aside(model: nn.Module) -> Iterator[None]:
    leaves = [parameter for parameter in model.parameters() if parameter.is_leaf]
    before = [(leaf.grad, leaf.requires_grad) for leaf in leaves]
    try:
        for leaf in leaves:
            leaf.grad = None
        yield
    finally:
        for leaf, (grad, needed) in zip(leaves, before, strict=True):
            leaf.grad = grad
            if leaf.requires_grad != needed:
                leaf.requires_grad_(needed)


@contextmanager
def _buffers_kept(model: nn.Module) -> Iterator[None]:
    buffers = [buffer for buffer in model.buffers() if not buffer.is_inference()]  # those cannot be changed anyway
    kept = [_keep(buffer) for buffer in buffers]
    with ExitStack() as versions:
        for buffer in buffers:
            # A graph of the job's own may hold the buffer and would refuse it if it looked changed.
            versions.enter_context(_unsafe_preserve_version_counter(buffer))
        try:
            yield
        finally:
            with torch.no_grad():
                for restore in kept:
                    restore()


def _keep(buffer: Tensor) -> Callable[[], None]:
    """Copy a buffer's content; gives what puts it back where it was."""
    where = buffer.data
    entries = where
    if where.layout == torch.strided and 0 in where.stride():  # expanded: several places share one entry
        entries = where[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in where.stride())]
    content = entries.clone()

    def restore() -> None:
        entries.copy_(content)
        if buffer.layout != torch.strided or not _same_place(buffer, where):
            buffer.data = where

    return restore


def _same_place(one: Tensor, other: Tensor) -> bool:
    return (one.data_ptr(), one.shape, one.stride(), one.dtype) == (
        other.data_ptr(),
        other.shape,
        other.stride(),
        other.dtype,
    )
