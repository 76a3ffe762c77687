"""Nothing announced is lost and nothing comes twice, whoever is killed."""

import math
import time

import numpy as np

from tests.end_to_end.conftest import Service, until

ENDLESS = """
import time, torch, ergoscope
model = torch.nn.Linear(8, 8)
optimizer = torch.optim.SGD(model.parameters(), 1e-3)
run = ergoscope.watch(model, optimizer, project="faults", name="endless")
step = 0
while True:
    optimizer.zero_grad()
    model(torch.randn(4, 8)).square().mean().backward()
    optimizer.step()
    run.log({"count": float(step)}, step=step)
    print(step, flush=True)
    step += 1
    time.sleep(0.002)
"""

ODD_VALUES = """
import ergoscope
run = ergoscope.init(project="faults", name="odd")
odd = {3: float("nan"), 4: float("inf"), 5: float("-inf"), 6: 1e6}
for step in range(20_000):
    run.log({"x": odd.get(step, step % 7)}, step=step)
run.log({"x": None, "y": 1.0}, step=20_000)
run.finish()
"""


def test_killing_service_and_job_loses_no_announced_step_and_doubles_none(service: Service) -> None:
    job = service.job(ENDLESS)
    assert job.stdout is not None
    last, begun, down = 0, time.monotonic(), 0.0
    while (now := time.monotonic() - begun) < 9:
        last = int(job.stdout.readline())
        if now > 4 and not down:
            service.kill()
            down = now
        elif down and now > down + 1.5 and service.process.poll() is not None:
            service.start()
    job.kill()
    last = int((job.stdout.read().split() or [last])[-1])

    run = until(lambda: next(iter(service.api.runs()), None), what="the run")
    until(lambda: len(service.api.run(run.id).series("count").steps) > last, what=f"step {last}")
    series = service.api.run(run.id).series("count")
    np.testing.assert_array_equal(series.steps[: last + 1], np.arange(last + 1))
    np.testing.assert_array_equal(series.values, series.steps)
    until(lambda: service.api.run(run.id).summary.status == "crashed", what="the word that the job crashed")
    assert (service.api.run(run.id).summary.last_step or 0) >= last


def test_every_float_comes_back_and_a_bad_value_costs_no_other(service: Service) -> None:
    job = service.job(ODD_VALUES)

    assert job.wait(timeout=60) == 0

    run = until(lambda: next(iter(service.api.runs()), None), what="the run")
    until(lambda: service.api.run(run.id).summary.status == "finished", what="the end of the run")
    series = service.api.run(run.id).series("x")
    assert len(series.steps) == 20_000
    assert math.isnan(series.values[3])
    assert series.values[4:7].tolist() == [math.inf, -math.inf, 1e6]
    assert service.api.run(run.id).series("y").values.tolist() == [1.0]
