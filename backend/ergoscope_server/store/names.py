"""Names of series as they are asked for: exact, or with `*` for any characters."""

import re
from collections.abc import Iterable, Sequence


def is_pattern(name: str) -> bool:
    """Whether a name stands for several."""
    return "*" in name


def choose(names: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Give the names that are wanted, each once, in the order they are asked for.

    What a pattern finds comes in the order of `names`; a name without `*` is given whether it is there or not.

    Example:
        >>> choose(["loss", "grad_norm/input", "grad_norm/head"], ["grad_norm/*", "loss", "lr"])
        ['grad_norm/input', 'grad_norm/head', 'loss', 'lr']
    """
    there = list(dict.fromkeys(names))
    chosen: dict[str, None] = {}
    for want in wanted:
        if is_pattern(want):
            matches = re.compile(".*".join(map(re.escape, want.split("*"))), re.DOTALL).fullmatch
            chosen.update(dict.fromkeys(filter(matches, there)))
        else:
            chosen[want] = None
    return list(chosen)
