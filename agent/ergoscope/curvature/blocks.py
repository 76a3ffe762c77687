"""Which parameters a Hessian is taken over: all, those of the last layer, or one block after the other."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor, nn

Scope = Literal["model", "blocks", "last"]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Parameters that belong together; the whole model's have no name."""

    name: str
    parameters: tuple[Tensor, ...]

    @property
    def size(self) -> int:
        """Entries of all of them."""
        return sum(p.numel() for p in self.parameters)


def blocks_of(model: nn.Module, trained: Iterable[Tensor], scope: Scope) -> list[Block]:
    """Group the parameters that are trained.

    "blocks" are the parts that a model is built of: the children of the first module that has several with parameters,
    and of lists among these the members. "last" is the last module that has parameters of its own. A parameter that is
    used in two places belongs to the first. Complex ones have no Hessian here and are left out.

    Args:
        model: Without wrappers.
        trained: Those that an optimizer moves; others, and frozen ones, are left out.
        scope: Which grouping.

    Raises:
        ValueError: `scope` is none of the three, or nothing is trained.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
        >>> [(block.name, block.size) for block in blocks_of(model, model.parameters(), "blocks")]
        [('0', 9), ('2', 4)]
    """
    if scope not in get_args(Scope):
        allowed = ", ".join(repr(one) for one in get_args(Scope))
        raise ValueError(f"scope is {scope!r}; it must be one of {allowed}")
    wanted = {id(p): p for p in trained if p.requires_grad and p.is_floating_point()}
    if not wanted:
        raise ValueError("no real parameter of the model is trained, so there is nothing to take a Hessian over")
    if scope == "model":
        return [Block("", tuple(wanted.values()))]
    if scope == "last":
        parts = [(n, m) for n, m in model.named_modules() if _own(m.parameters(recurse=False), wanted)][-1:]
        return [Block(n, tuple(_own(m.parameters(recurse=False), wanted))) for n, m in parts]
    blocks = []
    for name, module in _built_of(model, wanted):
        own = _own(module.parameters(), wanted)
        for parameter in own:
            del wanted[id(parameter)]
        if own:
            blocks.append(Block(name, tuple(own)))
    rest = tuple(wanted.values())
    return [*blocks, Block("rest", rest)] if rest else blocks


def _own(parameters: Iterable[Tensor], wanted: dict[int, Tensor]) -> list[Tensor]:
    return [p for p in parameters if id(p) in wanted]


def _built_of(model: nn.Module, wanted: dict[int, Tensor], prefix: str = "") -> list[tuple[str, nn.Module]]:
    """Name the parts: go down while one child holds everything, and into lists."""
    children = [(f"{prefix}{n}", m) for n, m in model.named_children() if _own(m.parameters(), wanted)]
    if len(children) == 1 and not _own(model.parameters(recurse=False), wanted):
        name, only = children[0]
        return _built_of(only, wanted, f"{name}.") or children
    parts = []
    for name, child in children:
        lists = [m for m in child.modules() if isinstance(m, nn.ModuleList | nn.Sequential)]
        deep = next(
            (m for m in lists if len(_own(m.parameters(), wanted)) == len(_own(child.parameters(), wanted))), None
        )
        if deep is None:
            parts.append((name, child))
        else:
            where = next(n for n, m in child.named_modules() if m is deep)
            inner = f"{name}.{where}." if where else f"{name}."
            parts += [(f"{inner}{n}", m) for n, m in deep.named_children()]
    return parts
