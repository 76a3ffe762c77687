"""Slices over REST: asked for, measured as the job's batches come in, read as numbers."""

import json
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from ergoscope_contract.answers import Slice
from ergoscope_contract.records import Ending, Grid
from ergoscope_contract.slices import SliceRequest
from ergoscope_server.api.slices import landscape
from tests.backend.api.conftest import Running
from tests.backend.api.events import messages
from tests.backend.store.batches import batch
from tests.backend.store.grids import OFFSETS, line, packed, refusal

SLICES = "/api/v1/runs/r/slices"


@pytest.fixture
def begun(running: Running) -> Iterator[Running]:
    """A run that goes on."""
    running.post(batch(0, {}))
    yield running


def _send(running: Running, seq: int, *grids: Grid) -> list[str]:
    """Send grids; gives the requests that the receipt carries."""
    return [one["id"] for one in map(dict, running.post(replace(batch(seq, {}), grids=list(grids))).requests)]


def _newest(running: Running) -> Slice:
    found = running.client.get(SLICES).json()["slices"]
    return msgspec.convert(found[0], Slice, strict=False)


def test_a_slice_is_asked_for_measured_and_read(begun: Running) -> None:
    asked = begun.client.post(SLICES, json={"axes": "update", "points": 5})
    name = asked.json()["id"]
    waiting = _newest(begun)
    carried = _send(begun, 1)
    left = _send(begun, 2, line(name))
    done = _newest(begun)

    assert asked.status_code == 201
    assert asked.json() | {"id": ""} == {
        "id": "",
        "axes": "update",
        "dimensions": 1,
        "points": 5,
        "extent": None,
        "share": None,
    }
    assert (waiting.id, waiting.state, waiting.landscape) == (name, "open", None)
    assert waiting.request == SliceRequest(name, axes="update", points=5)
    assert (carried, left) == ([name], [])
    assert done.state == "done"
    assert done.landscape is not None
    assert done.landscape.offsets == [list(OFFSETS)]
    assert (done.landscape.misfit, done.landscape.predicted) == (0.0, done.landscape.values)


def test_an_empty_body_asks_for_what_is_usual(begun: Running) -> None:
    asked = begun.client.post(SLICES)

    assert asked.status_code == 201
    assert msgspec.convert(asked.json(), SliceRequest) == SliceRequest(asked.json()["id"])


def test_rows_come_in_with_nan_for_the_rest_and_without_a_misfit(begun: Running) -> None:
    name = begun.client.post(SLICES).json()["id"]
    nan = float("nan")
    _send(begun, 1, line(name, (nan, 1.25, 1.0, float("inf"), nan), partial=True))

    told = begun.client.get(SLICES).json()["slices"][0]

    assert told["state"] == "measuring"
    assert told["landscape"]["values"] == ["NaN", 1.25, 1.0, "Infinity", "NaN"]
    assert told["landscape"]["predicted"] == [2.0, 1.25, 1.0, 1.25, 2.0]
    assert "misfit" not in told["landscape"]


def test_a_refusal_says_why(begun: Running) -> None:
    name = begun.client.post(SLICES).json()["id"]
    _send(begun, 1, refusal(name, "the model draws random numbers"))

    told = begun.client.get(SLICES).json()["slices"][0]

    assert (told["state"], told["reason"]) == ("refused", "the model draws random numbers")
    assert "landscape" not in told


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"points": 20}', "points is 20; allowed: odd numbers from 5 to 41"),
        ('{"points": 43}', "points is 43; allowed: odd numbers from 5 to 41"),
        ('{"points": "many"}', "Expected `int`, got `str` - at `$.points`"),
        ('{"axes": "gradient"}', "axes is 'gradient'; allowed: hessian, update, random"),
        ('{"dimensions": 3}', "dimensions is 3; allowed: 1, 2"),
        ('{"extent": 0}', "extent is 0.0; it must be positive and finite, in weight norm, or left out"),
        ('{"share": 1.5}', "share is 1.5; allowed: 0.001 to 1, of the step time, or left out"),
        ('{"share": 1e-6}', "share is 1e-06; allowed: 0.001 to 1, of the step time, or left out"),
        ('{"point": 5}', "there is no 'point' to choose; there are: axes, dimensions, points, extent, share"),
        ('{"id": "mine"}', "there is no 'id' to choose; there are: axes, dimensions, points, extent, share"),
        ("[1]", "Expected `object`, got `array`"),
        ('{"axes"', "Input data was truncated"),
        ('{"axes": ' + "[" * 1000, "Expected `int | float | str | null`, got `array` - at `$[...]`"),
        (" " * 5000, "the body has more than 4096 bytes; a request has a few dozen"),
    ],
)
def test_what_cannot_be_asked_is_said_with_what_can(begun: Running, body: str, text: str) -> None:
    answer = begun.client.post(SLICES, content=body)

    assert (answer.status_code, answer.json()) == (422, {"error": "Parameter", "detail": text})
    assert begun.client.get(SLICES).json() == {"slices": []}


def test_while_one_is_waited_for_no_other_can_be_asked(begun: Running) -> None:
    name = begun.client.post(SLICES).json()["id"]

    answer = begun.client.post(SLICES)

    text = f"slice {name!r} of this run is waited for; ask again when it is there, or withdraw it"
    assert (answer.status_code, answer.json()) == (409, {"error": "Open", "detail": text})


def test_a_question_is_withdrawn_and_another_can_be_asked(begun: Running) -> None:
    name = begun.client.post(SLICES).json()["id"]

    answer = begun.client.delete(f"{SLICES}/{name}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert (_newest(begun).state, _newest(begun).reason) == ("refused", "it was withdrawn")
    assert begun.client.post(SLICES).status_code == 201
    assert name not in _send(begun, 1, line(name))


def test_an_answer_cannot_be_withdrawn(begun: Running) -> None:
    name = begun.client.post(SLICES).json()["id"]
    _send(begun, 1, line(name))

    answer = begun.client.delete(f"{SLICES}/{name}")

    text = f"slice {name!r} is answered already; there is nothing to withdraw"
    assert (answer.status_code, answer.json()) == (409, {"error": "Answered", "detail": text})
    assert _newest(begun).state == "done"


def test_what_is_not_there_cannot_be_withdrawn(begun: Running) -> None:
    for path, text in (
        (f"{SLICES}/s1", "the run has no slice 's1'; the list of its slices has those there are"),
        ("/api/v1/runs/nobody/slices/s1", "there is no run 'nobody'; GET /api/v1/runs has those there are"),
    ):
        answer = begun.client.delete(path)
        assert (answer.status_code, answer.json()) == (404, {"error": "Unknown", "detail": text})


def test_an_ended_run_cannot_be_asked(begun: Running) -> None:
    begun.post(batch(1, {}, ended=Ending("finished", 1_790_000_000.0)))

    answer = begun.client.post(SLICES)

    text = "the run has ended; nothing can measure it"
    assert (answer.status_code, answer.json()) == (422, {"error": "Ended", "detail": text})


def test_a_run_that_is_not_there_has_no_slices(running: Running) -> None:
    for answer in (running.client.get("/api/v1/runs/nobody/slices"), running.client.post("/api/v1/runs/nobody/slices")):
        assert answer.status_code == 404
        assert answer.json()["detail"] == "there is no run 'nobody'; GET /api/v1/runs has those there are"


def test_live_readers_hear_when_one_is_asked_for_and_when_rows_come(begun: Running) -> None:
    with begun.client.stream("GET", "/api/v1/live", params={"run": "r"}) as stream:
        heard = messages(stream)
        next(heard)
        told = (message for message in heard if message.event == "slice")
        name = begun.client.post(SLICES).json()["id"]
        asked = next(told)
        _send(begun, 1, line(name))
        measured = next(told)
        name = begun.client.post(SLICES).json()["id"]
        next(told)
        begun.client.delete(f"{SLICES}/{name}")
        withdrawn = next(told)

    assert asked.data == measured.data == withdrawn.data == {"run": "r"}


def test_the_example_in_the_description_is_what_the_service_says(begun: Running) -> None:
    described = begun.client.get("/openapi.json").json()["paths"]["/api/v1/runs/{run}/slices"]
    question = described["post"]["requestBody"]["content"]["application/json"]["example"]
    answered = described["post"]["responses"]["201"]["content"]["application/json"]["example"]
    listed = described["get"]["responses"]["200"]["content"]["application/json"]["examples"]["slices"]["value"]

    asked = begun.client.post(SLICES, json=question).json()
    _send(begun, 1, line(asked["id"]))
    found = json.loads(begun.client.get(SLICES).content)["slices"][0]

    same = {"id": answered["id"], "asked": listed["slices"][0]["asked"]}
    assert asked | {"id": same["id"]} == answered
    assert found | same | {"request": answered} == listed["slices"][0]


def test_a_plane_is_told_row_by_row_with_its_mixed_curvature() -> None:
    a, b = np.array([-1.0, 0.0, 1.0]), np.array([-0.5, 0.0, 0.5])
    values = 1 + a[:, None] ** 2 + 3 * b**2 + 0.5 * np.outer(a, b)
    grid = replace(
        line("s"),
        axes=["last update", "gradient"],
        scales=[0.1, 0.2],
        offsets=[packed(a), packed(b)],
        values=packed(values.ravel()),
        running=packed(np.zeros(9)),
        mode="batch statistics",
        curvatures=[2.0, 6.0, 0.5],
        slopes=[0.0, 0.0],
    )

    told = landscape(grid)

    assert told.values[1] == values[0, 1]
    assert np.allclose(told.predicted, told.values, rtol=1e-14)
    assert told.misfit == pytest.approx(0.0, abs=1e-14)
    assert (told.running, told.mode) == ([0.0] * 9, "batch statistics")


@pytest.mark.parametrize("fields", [{"slopes": []}, {"curvatures": []}, {"offsets": [packed([1.0, 2, 3, 4, 5])]}])
def test_without_slope_curvature_or_centre_there_is_no_parabola(fields: dict[str, object]) -> None:
    told = landscape(line("s", **fields))

    assert (told.predicted, told.misfit) == ([], None)
