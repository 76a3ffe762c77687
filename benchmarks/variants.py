"""What is compared: nothing but the training, the training watched with ergoscope, and peers."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import ergoscope
from benchmarks.nets import Job
from benchmarks.peers import peers_for

Step = Callable[[int], object]  # one step of training, with what a variant does around it
Variant = Callable[[Job, str], AbstractContextManager[Step]]


def variants_for(job: Job, *, budgets: Sequence[float], peers: bool) -> dict[str, Variant]:
    """Give them by name; `budgets` are further shares of a step beside the default."""
    variants: dict[str, Variant] = {"nothing": plain, "nothing, again": plain, "ergoscope": watched}
    for budget in budgets:
        variants[f"ergoscope, budget {100 * budget:g} %"] = partial(watched, budget=budget)
    return variants | peers_for(job) if peers else variants


@contextmanager
def plain(job: Job, _folder: str) -> Iterator[Step]:
    """Do nothing but train."""
    yield lambda _step: job.step()


@contextmanager
def watched(job: Job, folder: str, *, budget: float | None = None) -> Iterator[Step]:
    """Watch with everything at its default, or with another budget than 2 %.

    Kept offline: the sidecar writes its spool.
    """
    os.environ["ERGOSCOPE_DIR"] = f"{folder}/ergoscope"
    os.environ["ERGOSCOPE_SILENT"] = "1"
    run = ergoscope.watch(job.model, job.optimizer, project="benchmark", name="overhead", mode="offline", budget=budget)
    yield lambda _step: job.step()
    run.finish()
