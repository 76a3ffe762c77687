"""Which colour a run has: the same on every page and after a reload."""

from collections.abc import Sequence

from ergoscope_contract.answers import RunSummary
from ergoscope_ui.theme import LIGHT


def colours_of(runs: Sequence[RunSummary]) -> dict[str, int]:
    """Number the colours by the runs' order of creation, so that new runs change nothing and neighbours differ.

    Needs all runs the service lists, not only those shown.
    """
    ordered = sorted(runs, key=lambda run: (run.created, run.id))
    return {run.id: index % len(LIGHT.runs) for index, run in enumerate(ordered)}


def dashes(colours: Sequence[int]) -> list[str]:
    """Line styles that keep runs of one colour apart: the second of a colour is dashed, the third dotted.

    Example:
        >>> dashes([0, 1, 0, 0])
        ['solid', 'solid', 'dash', 'dot']
    """
    styles = ("solid", "dash", "dot", "dashdot")
    seen: dict[int, int] = {}
    found = []
    for colour in colours:
        found.append(styles[seen.get(colour, 0) % len(styles)])
        seen[colour] = seen.get(colour, 0) + 1
    return found
