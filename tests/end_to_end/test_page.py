"""The page over a real training: what it draws is what the job measured, while the job runs."""

import json
import os
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.end_to_end.conftest import Service, until
from tests.frontend.sight import trace, wait_for_step

pytestmark = pytest.mark.browser
LOSS = "stabilization-chart"
SHOTS = os.environ.get("ERGOSCOPE_SHOTS")  # a folder; with it the run is long enough for a verdict, and is pictured
STEPS = 10_000 if SHOTS else 900

# The demonstration's own task and loop; only the loss function also writes down what it returned.
TRAINING = """
import dataclasses, json, sys, torch, ergoscope
from ergoscope.demo.task import train
from ergoscope.demo.tasks import build

torch.set_num_threads(1)
task = build("digits", steps=int(sys.argv[1]), seed=0)
seen, plain = [], task.loss

def noted(output, target):
    loss = plain(output, target)
    seen.append(loss.item())
    return loss

run = ergoscope.watch(task.model, task.optimizer, project="demo", name="digits", config=task.config)
train(dataclasses.replace(task, loss=noted), steps=int(sys.argv[1]))
run.finish()
with open("seen.json", "w") as file:
    json.dump(seen, file)
"""


def keep_picture(page: Page, name: str) -> None:
    """Keep a picture of the page where it was asked for."""
    if SHOTS:
        page.reload()
        page.wait_for_timeout(5000)
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


def test_the_page_grows_while_a_real_training_runs_and_shows_what_it_measured(
    service: Service, context: BrowserContext
) -> None:
    job = service.job(TRAINING, str(STEPS))
    run = until(lambda: next(iter(service.api.runs()), None), what="the run")
    page = context.new_page()
    page.goto(f"{service.url}/runs/{run.id}")
    wait_for_step(page, LOSS, 50)
    early = len(trace(page, LOSS)["x"])
    assert job.poll() is None, "the training was over before the page was looked at"
    wait_for_step(page, LOSS, 400)

    grown = trace(page, LOSS)
    job.communicate(timeout=280)
    seen = json.loads((service.folder / "seen.json").read_text())

    assert len(grown["x"]) > early
    drawn = dict(zip(grown["x"], grown["y"], strict=True))
    assert {step: value for step, value in drawn.items() if value != seen[int(step or 0) - 1]} == {}
    wait_for_step(page, LOSS, STEPS)
    keep_picture(page, "screenshot")


def test_the_list_opens_the_run_and_names_its_end(service: Service, context: BrowserContext) -> None:
    job = service.job(TRAINING, "150")
    job.communicate(timeout=120)
    until(lambda: service.api.runs()[0].summary.status == "finished", what="the end of the run")
    page = context.new_page()

    page.goto(service.url)
    page.get_by_text("digits", exact=True).first.click()

    page.wait_for_url("**/runs/*")
    page.get_by_text("finished").first.wait_for()
