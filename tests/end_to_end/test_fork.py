"""A training that goes on from a checkpoint of another one, as a run of its own."""

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, expect

import ergoscope
from tests.end_to_end.conftest import Service, until
from tests.frontend.sight import trace, wait_for_step

FIRST = """
import torch, ergoscope
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
run = ergoscope.watch(model, optimizer, project="forks", name="first")
for step in range(1, 41):
    optimizer.zero_grad()
    model(torch.randn(8, 4)).square().mean().backward()
    optimizer.step()
    if step == 20:
        torch.save([model.state_dict(), optimizer.state_dict()], "checkpoint.pt")
run.finish()
print(run.id)
"""
SECOND = """
import sys, torch, ergoscope
torch.manual_seed(1)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.01)
weights, state = torch.load("checkpoint.pt")
model.load_state_dict(weights)
run = ergoscope.watch(model, optimizer, project="forks", name="second", fork_from=f"{sys.argv[1]}@20")
for step in range(10):
    optimizer.zero_grad()
    model(torch.randn(8, 4)).square().mean().backward()
    optimizer.step()
run.finish()
"""


def test_a_fork_has_the_first_runs_history_and_goes_on_by_itself(service: Service) -> None:
    job = service.job(FIRST)
    parent = job.communicate(timeout=60)[0].split()[-1]
    service.job(SECOND, parent).communicate(timeout=60)

    second = until(
        lambda: next((run for run in service.api.runs() if run.name == "second" and run.status == "finished"), None),
        what="the end of the fork",
    )
    first, whole, own = (
        service.api.run(parent).series("loss"),
        second.series("loss"),
        second.series("loss", own=True),
    )

    assert second.summary.fork is not None and second.summary.fork.run == parent
    assert first.steps.tolist() == list(range(1, 41))
    assert whole.steps.tolist() == list(range(1, 31))
    assert own.steps.tolist() == list(range(21, 31))
    np.testing.assert_array_equal(whole.values, np.concatenate([first.values[:20], own.values]))


def test_a_fork_outlives_the_run_it_comes_from(service: Service) -> None:
    parent = service.job(FIRST).communicate(timeout=60)[0].split()[-1]
    service.job(SECOND, parent).communicate(timeout=60)
    until(lambda: len(service.api.runs()) == 2 and service.api.run("second").status == "finished", what="both runs")

    service.api.run(parent).delete()

    second: ergoscope.StoredRun = service.api.run("second")
    assert second.series("loss").steps.tolist() == list(range(21, 31))
    assert second.summary.fork is not None and second.summary.fork.step == 20


@pytest.mark.browser
def test_the_page_begins_with_the_first_runs_history_and_leads_there(service: Service, context: BrowserContext) -> None:
    parent = service.job(FIRST).communicate(timeout=60)[0].split()[-1]
    service.job(SECOND, parent).communicate(timeout=60)
    until(lambda: len(service.api.runs()) == 2 and service.api.run("second").status == "finished", what="both runs")
    page = context.new_page()

    page.goto(f"{service.url}/runs/{service.api.run('second').id}")
    wait_for_step(page, "stabilization-chart", 30)
    steps = trace(page, "stabilization-chart")["x"]
    origin = page.get_by_test_id("fork")
    expect(origin).to_have_text("forked from first at step 20")
    origin.get_by_role("link").click()
    expect(page).to_have_url(f"{service.url}/runs/{parent}")
    service.api.run(parent).delete()
    page.go_back()

    assert steps == list(range(1, 31))
    expect(origin).to_have_text(f"forked from {parent} at step 20, which was deleted or is not yours to see")
