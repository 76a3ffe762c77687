"""A slice of the loss, from the question through a real service to a job that trains, and back."""

import ast

import numpy as np
import pytest

import ergoscope
from ergoscope_contract.answers import Slice
from tests.end_to_end.conftest import Service, until

# Trains as long as nobody says that it is enough, and prints what became of it; `watched` is 0 or 1.
JOB = """
import hashlib, sys
from pathlib import Path
import torch, ergoscope
from torch.nn.functional import cross_entropy

torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 10)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
probe = torch.randn(32, 1, 8, 8, generator=torch.Generator().manual_seed(1)), torch.arange(32) % 10
watched, least, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
run = None
if watched:
    def loss(model, batch):
        return cross_entropy(model(batch[0]), batch[1], reduction="none")

    run = ergoscope.watch(model, optimizer, project="slices", name="asked", probe=probe, loss_fn=loss)
step = 0
while step < least or (watched and not (folder / "enough").exists()):
    x, y = torch.randn(64, 1, 8, 8), torch.randint(10, (64,))
    optimizer.zero_grad()
    cross_entropy(model(x), y).backward()
    optimizer.step()
    step += 1
if run is not None:
    run.finish()
kept = [*model.state_dict().values(), *(s["momentum_buffer"] for s in optimizer.state.values()), torch.get_rng_state()]
digest = hashlib.sha256(b"".join(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes() for tensor in kept))
print(repr((step, digest.hexdigest())), flush=True)
"""


def _outcome(service: Service, *arguments: str) -> tuple[int, str]:
    """Steps made and a hash of every bit that training changed, of a job that nobody watches."""
    said, _ = service.job(JOB, *arguments).communicate(timeout=120)
    return ast.literal_eval(said)  # type: ignore[no-any-return]  # what the job above prints


def _answered(service: Service, identity: str) -> Slice:
    def ask() -> Slice | None:
        found = next(told for told in service.api.run("asked").slices() if told.id == identity)
        return found if found.state in ("done", "refused") else None

    return until(ask, what="the slice", timeout_s=120)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_running_job_measures_a_slice_and_goes_on_as_if_nobody_had_asked(service: Service, dimensions: int) -> None:
    job = service.job(JOB, "1", "1", str(service.folder))
    run = until(lambda: service.api.run("asked"), what="the run")

    asked = run.slice(dimensions=dimensions, points=7, share=0.5)
    told = _answered(service, asked.id)
    (service.folder / "enough").touch()
    said, _ = job.communicate(timeout=120)

    assert told.state == "done", told.reason
    shown = told.landscape
    assert shown is not None
    assert np.isfinite(shown.values).all() and len(shown.values) == 7**dimensions
    assert np.isfinite(shown.running).all() and len(shown.running) == 7**dimensions
    how, _, doubt = shown.how.partition("; ")
    assert (shown.mode, how, len(shown.batch)) == ("batch statistics", "exact", 12)
    assert not doubt or doubt.startswith("steepest direction")
    assert shown.misfit is not None and 0 <= shown.misfit <= 2
    steps, bits = ast.literal_eval(said)
    assert 0 < shown.step < steps
    assert _outcome(service, "0", str(steps), str(service.folder)) == (steps, bits)


def test_a_question_that_is_withdrawn_makes_way_for_another(service: Service) -> None:
    job = service.job(JOB, "1", "1", str(service.folder))
    run = until(lambda: service.api.run("asked"), what="the run")
    slow = run.slice(dimensions=2, points=41, share=0.001)
    steps = service.api.run("asked").summary.last_step or 0
    until(lambda: (service.api.run("asked").summary.last_step or 0) > steps + 200, what="more steps")

    run.withdraw_slice(slow.id)
    other = run.slice(points=5, share=0.5)
    told = _answered(service, other.id)
    (service.folder / "enough").touch()
    said, _ = job.communicate(timeout=120)

    assert told.state == "done", told.reason
    withdrawn = next(one for one in run.slices() if one.id == slow.id)
    assert (withdrawn.state, withdrawn.reason) == ("refused", "it was withdrawn")
    made, bits = ast.literal_eval(said)
    assert _outcome(service, "0", str(made), str(service.folder)) == (made, bits)


def test_a_second_question_is_told_of_the_first_and_an_ended_run_answers_none(service: Service) -> None:
    job = service.job(JOB, "1", "1", str(service.folder))
    run = until(lambda: service.api.run("asked"), what="the run")
    asked = run.slice(dimensions=2, points=41, share=0.001)

    with pytest.raises(ergoscope.AnswerError, match=f"slice '{asked.id}' of this run is waited for"):
        run.slice()
    (service.folder / "enough").touch()
    job.communicate(timeout=120)
    told = _answered(service, asked.id)
    with pytest.raises(ergoscope.AnswerError, match="the run has ended; nothing can measure it"):
        run.slice()

    assert (told.state, told.reason) == ("refused", "the run ended before it was measured")
