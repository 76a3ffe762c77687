"""Sketches over REST: from the agent's record to numbers again."""

import base64
import json

import numpy as np
from msgspec.structs import replace

from ergoscope_contract.records import Sketch
from tests.backend.api.conftest import Running
from tests.backend.store.batches import batch

SKETCHES = "/api/v1/runs/r/sketches"


def sketch(step: int, *values: float, seed: int = 0) -> Sketch:
    return Sketch("weight_sketch", step, seed, np.array(values, "<f4").tobytes())


def test_sketches_come_back_as_sent_and_in_step_order(running: Running) -> None:
    running.post(replace(batch(0, {}), sketches=[sketch(128, 0.1, float("nan")), sketch(64, 1.0, -2.0)]))
    running.post(replace(batch(1, {}), sketches=[sketch(192, 3.0, float("inf"), seed=7)]))

    found = running.client.get(SKETCHES, params={"key": "weight_sketch"}).json()["sketches"]
    newest = running.client.get(SKETCHES, params={"key": "weight_sketch", "limit": 1}).json()["sketches"]

    assert [(s["key"], s["step"], s["seed"]) for s in found] == [
        ("weight_sketch", 64, 0),
        ("weight_sketch", 128, 0),
        ("weight_sketch", 192, 7),
    ]
    numbers = [np.frombuffer(base64.b64decode(s["values"]), "<f4") for s in found]
    assert np.array_equal(numbers, np.array([[1, -2], [0.1, np.nan], [3, np.inf]], "f4"), equal_nan=True)
    assert newest == found[-1:]


def test_a_resumed_run_shows_the_newer_attempt_and_each_rank_its_own(running: Running) -> None:
    running.post(replace(batch(0, {}, attempt=1), sketches=[sketch(64, 1.0), sketch(128, 1.0), sketch(192, 1.0)]))
    running.post(replace(batch(0, {}, attempt=2), sketches=[sketch(128, 2.0)]))
    running.post(replace(batch(0, {}, attempt=2, rank=1), sketches=[sketch(64, 3.0)]))

    def found(**asked: int) -> list[tuple[int, float]]:
        answer = running.client.get(SKETCHES, params={"key": "weight_sketch", **asked}).json()["sketches"]
        return [(s["step"], float(np.frombuffer(base64.b64decode(s["values"]), "<f4")[0])) for s in answer]

    assert found() == [(64, 1.0), (128, 2.0)]
    assert found(rank=1) == [(64, 3.0)]


def test_the_example_in_the_description_is_what_the_service_says(running: Running) -> None:
    running.post(replace(batch(0, {}), sketches=[sketch(64, 1.0, -2.0, 0.75)]))

    described = running.client.get("/openapi.json").json()["paths"]["/api/v1/runs/{run}/sketches"]["get"]
    example = described["responses"]["200"]["content"]["application/json"]["examples"]["sketches"]["value"]

    assert json.loads(running.client.get(SKETCHES, params={"key": "weight_sketch"}).content) == example


def test_an_unknown_run_is_404_and_a_key_without_sketches_has_none(running: Running) -> None:
    running.post(batch(0, {}))

    missing = running.client.get("/api/v1/runs/nobody/sketches", params={"key": "weight_sketch"})

    assert missing.status_code == 404
    assert missing.json()["detail"] == "there is no run 'nobody'; GET /api/v1/runs has those there are"
    assert running.client.get(SKETCHES, params={"key": "other"}).json() == {"sketches": []}
