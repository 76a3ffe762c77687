"""The variant of the overhead benchmark that watches with ergoscope, kept offline: the sidecar writes its spool."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor

import ergoscope
from benchmarks.nets import Job


@contextmanager
def watched(job: Job, folder: str, *, budget: float | None = None) -> Iterator[Callable[[int, Tensor], None]]:
    """Watch with everything at its default, or with another budget than 2 %."""
    os.environ["ERGOSCOPE_DIR"] = f"{folder}/ergoscope"
    os.environ["ERGOSCOPE_SILENT"] = "1"
    run = ergoscope.watch(job.model, job.optimizer, project="benchmark", name="overhead", mode="offline", budget=budget)
    yield lambda _step, _loss: None
    run.finish()
