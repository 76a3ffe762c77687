"""Spectra over REST: from the agent's packed record to numbers."""

import json

import numpy as np
from msgspec.structs import replace

from ergoscope_contract.records import Spectrum
from tests.backend.api.conftest import Running
from tests.backend.store.batches import batch

SPECTRA = "/api/v1/runs/r/spectra"


def packed(*values: float) -> bytes:
    return np.array(values, "<f8").tobytes()


def spectrum(step: int, *nodes: float, how: str = "exact") -> Spectrum:
    weights = [1 / len(nodes)] * len(nodes)
    return Spectrum("spectral_density", step, packed(*nodes), packed(*weights), how=how)


def test_spectra_come_back_as_numbers_and_in_step_order(running: Running) -> None:
    running.post(replace(batch(0, {}), spectra=[spectrum(128, 0.1, float("nan")), spectrum(64, -1.0, 2.0)]))
    running.post(replace(batch(1, {}), spectra=[spectrum(192, 3.0, float("inf"), how="replayed")]))

    found = running.client.get(SPECTRA, params={"key": "spectral_density"}).json()["spectra"]
    newest = running.client.get(SPECTRA, params={"key": "spectral_density", "limit": 1}).json()["spectra"]

    assert [(s["step"], s["how"], s["nodes"], s["weights"], s["residuals"]) for s in found] == [
        (64, "exact", [-1.0, 2.0], [0.5, 0.5], []),
        (128, "exact", [0.1, "NaN"], [0.5, 0.5], []),
        (192, "replayed", [3.0, "Infinity"], [0.5, 0.5], []),
    ]
    assert newest == found[-1:]


def test_every_digit_of_a_number_comes_back(running: Running) -> None:
    values = np.random.default_rng(0).standard_normal(50) * 10.0 ** np.arange(-25, 25)
    running.post(replace(batch(0, {}), spectra=[spectrum(1, *values)]))

    (found,) = running.client.get(SPECTRA, params={"key": "spectral_density"}).json()["spectra"]

    assert found["nodes"] == values.tolist()


def test_a_resumed_run_shows_the_newer_attempt_and_each_rank_its_own(running: Running) -> None:
    running.post(replace(batch(0, {}, attempt=1), spectra=[spectrum(step, 1.0) for step in (64, 128, 192)]))
    running.post(replace(batch(0, {}, attempt=2), spectra=[spectrum(128, 2.0)]))
    running.post(replace(batch(0, {}, attempt=2, rank=1), spectra=[spectrum(64, 3.0)]))

    def found(**asked: int) -> list[tuple[int, float]]:
        answer = running.client.get(SPECTRA, params={"key": "spectral_density", **asked}).json()["spectra"]
        return [(s["step"], s["nodes"][0]) for s in answer]

    assert found() == [(64, 1.0), (128, 2.0)]
    assert found(rank=1) == [(64, 3.0)]


def test_the_example_in_the_description_is_what_the_service_says(running: Running) -> None:
    made = Spectrum(
        "spectral_density", 512, packed(-0.5, 0.25, 40.0), packed(0.25, 0.625, 0.125), packed(0.5, 0.25, 0.0)
    )
    running.post(replace(batch(0, {}), spectra=[made]))

    described = running.client.get("/openapi.json").json()["paths"]["/api/v1/runs/{run}/spectra"]["get"]
    example = described["responses"]["200"]["content"]["application/json"]["examples"]["spectra"]["value"]

    assert json.loads(running.client.get(SPECTRA, params={"key": "spectral_density"}).content) == example


def test_an_unknown_run_is_404_and_a_key_without_spectra_has_none(running: Running) -> None:
    running.post(batch(0, {}))

    missing = running.client.get("/api/v1/runs/nobody/spectra", params={"key": "spectral_density"})

    assert missing.status_code == 404
    assert missing.json()["detail"] == "there is no run 'nobody'; GET /api/v1/runs has those there are"
    assert running.client.get(SPECTRA, params={"key": "other"}).json() == {"spectra": []}
