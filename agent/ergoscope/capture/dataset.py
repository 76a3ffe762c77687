"""What a job trains on, as far as its data loaders say so: kinds and sizes, never contents or paths.

The loaders are found among the objects that the garbage collector knows, once, in less than a tenth of a second.
Looking into the frames of the callers would be nearer, but to read the locals of a function changes a dictionary that
the user may have from `locals()`. No code of the user's runs, so the length of a data set of their own, which is theirs
to compute, is left out.
"""

import gc
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import FrameType

from ergoscope_contract.records import JsonObject

MOST = 8  # loaders
_COUNTED = (list, tuple, range)


def describe_data(frame: FrameType | None) -> list[JsonObject]:
    """Describe the data loaders of this process.

    Args:
        frame: The caller; global variables of the modules on the call stack give the loaders their names.

    Returns:
        Of each loader what is known of: name, dataset (its class), rows, batch_size, shuffle or sampler, drop_last,
        workers. Loaders of one data set that do not differ in any of that are told once. Those with names come first,
        in the order of the variables.
    """
    kinds = _loader_kinds()
    if not kinds:
        return []
    wanted = {id(kind) for kind in kinds}
    loaders = [one for one in gc.get_objects() if id(type(one)) in wanted]
    names = _names(frame, {id(loader) for loader in loaders})
    order = {number: place for place, number in enumerate(names)}
    loaders.sort(key=lambda loader: order.get(id(loader), len(order)))
    told: list[tuple[int, JsonObject]] = []
    for loader in loaders:
        held = _attributes(loader)
        facts = _describe(held)
        if facts and (id(held["dataset"]), facts) not in [(data, _nameless(known)) for data, known in told]:
            named = {"name": names[id(loader)]} if id(loader) in names else {}
            told.append((id(held["dataset"]), {**named, **facts}))
    return [facts for _, facts in told[:MOST]]


def _loader_kinds() -> list[type]:
    module = sys.modules.get("torch.utils.data")
    kind = getattr(module, "DataLoader", None)
    return list(_with_children(kind)) if isinstance(kind, type) else []


def _with_children(kind: type) -> Iterator[type]:
    yield kind
    children: list[type] = type.__subclasses__(kind)
    for child in children:
        yield from _with_children(child)


def _names(frame: FrameType | None, wanted: set[int]) -> dict[int, str]:
    names: dict[int, str] = {}
    seen: set[int] = set()
    while frame is not None:
        if id(frame.f_globals) not in seen:
            seen.add(id(frame.f_globals))
            for name, value in list(frame.f_globals.items()):
                if id(value) in wanted and not name.startswith("_"):
                    names.setdefault(id(value), name)
        frame = frame.f_back
    return names


def _nameless(facts: JsonObject) -> JsonObject:
    return {key: value for key, value in facts.items() if key != "name"}


def _attributes(thing: object) -> Mapping[str, object]:
    """Give what lies in an object, without its class having a say."""
    try:
        held = object.__getattribute__(thing, "__dict__")
    except AttributeError:  # it has slots
        return {}
    return held if type(held) is dict else {}


def _describe(held: Mapping[str, object]) -> JsonObject:
    data = held.get("dataset")
    if data is None:  # it is not made yet, or a wrapper of another one
        return {}
    size, sampler = held.get("batch_size"), held.get("sampler")
    batches = _attributes(held.get("batch_sampler"))
    for _ in range(4):  # Accelerate's gives each process its share of another one's
        batches = _attributes(batches.get("batch_sampler")) or batches
    if size is None and batches:  # then the loader's own sampler is one that it does not use
        sampler = batches.get("sampler")
    facts: JsonObject = {
        "dataset": _kind(data),
        "rows": _rows(data),
        "batch_size": batches.get("batch_size") if size is None else size,
        **_order(sampler),
        "drop_last": held.get("drop_last") or batches.get("drop_last"),
        "workers": held.get("num_workers"),
    }
    return {key: value for key, value in facts.items() if type(value) in (int, bool, str)}


def _kind(thing: object) -> str:
    """Name a class, with its package unless that is PyTorch's own or the script."""
    kind = type(thing)
    package = str(kind.__module__).partition(".")[0]
    return kind.__qualname__ if package in {"torch", "__main__", "builtins"} else f"{package}.{kind.__qualname__}"


def _order(sampler: object) -> JsonObject:
    name = type(sampler).__name__
    if not str(type(sampler).__module__).startswith(("torch.", "accelerate.")):
        return {"sampler": _kind(sampler)} if sampler is not None else {}
    if name in {"RandomSampler", "SeedableRandomSampler"}:
        return {"shuffle": True}
    if name == "SequentialSampler":
        return {"shuffle": False}
    if name == "DistributedSampler":
        return {"shuffle": _attributes(sampler).get("shuffle")}
    return {} if name == "_InfiniteConstantSampler" else {"sampler": name}  # that one stands for "none"


def _rows(data: object) -> int | None:
    """Give the number of rows where it lies in an attribute or is a library's own property."""
    held = _attributes(data)
    ancestors = {f"{kind.__module__}.{kind.__qualname__}" for kind in type.mro(type(data))}
    if "torch.utils.data.dataset.TensorDataset" in ancestors:
        tensors = held.get("tensors")
        return _count(tensors[0]) if type(tensors) is tuple and tensors else None
    if "torch.utils.data.dataset.Subset" in ancestors:
        return _count(held.get("indices"))
    if "torch.utils.data.dataset.ConcatDataset" in ancestors:
        sizes = held.get("cumulative_sizes")
        return sizes[-1] if type(sizes) is list and sizes and type(sizes[-1]) is int else None
    if "datasets.arrow_dataset.Dataset" in ancestors:
        chosen = held.get("_indices")
        rows = getattr(held.get("_data") if chosen is None else chosen, "num_rows", None)  # a table of Arrow's
        return rows if type(rows) is int else None
    if any(kind.startswith("torchvision.datasets.") for kind in ancestors):
        return _agreed(_count(held.get(name)) for name in ("data", "samples", "targets"))
    return _count(data)


def _agreed(counts: Iterable[int | None]) -> int | None:
    found = {count for count in counts if count is not None}
    return found.pop() if len(found) == 1 else None


def _count(thing: object) -> int | None:
    """Count the rows of what is PyTorch's, numpy's or Python's own, and no class derived of that."""
    if type(thing) in _COUNTED:
        return len(thing) if isinstance(thing, Sequence) else None
    if f"{type(thing).__module__}.{type(thing).__qualname__}" in {"torch.Tensor", "numpy.ndarray"}:
        shape: tuple[int, ...] = getattr(thing, "shape", ())
        return int(shape[0]) if len(shape) else None
    return None
