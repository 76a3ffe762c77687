"""What runs are called where several stand side by side."""

from collections import Counter
from collections.abc import Sequence

from ergoscope_contract.answers import RunSummary


def names_of(runs: Sequence[RunSummary]) -> dict[str, str]:
    """A name for each run by id; runs of one name get the end of their id with it."""
    plain = {run.id: run.name or run.id for run in runs}
    often = Counter(plain.values())
    return {run: f"{name} ({run[-4:]})" if often[name] > 1 and name != run else name for run, name in plain.items()}
