"""The demonstrations by name."""

from ergoscope.demo.digits import digits
from ergoscope.demo.diverge import diverge
from ergoscope.demo.task import Task
from ergoscope.demo.text import text

DEFAULT_STEPS = {"digits": 10_000, "diverge": 2_000, "text": 3_000}

_BUILDERS = {"digits": digits, "diverge": diverge, "text": text}


def build(name: str, *, steps: int, seed: int) -> Task:
    """Make the named task, ready to train.

    Raises:
        ValueError: there is no task of that name.
    """
    if name not in _BUILDERS:
        raise ValueError(f"there is no demonstration {name!r}; there are {', '.join(sorted(_BUILDERS))}")
    return _BUILDERS[name](steps=steps, seed=seed)
