"""What projects keep, over HTTP."""

import pytest

from ergoscope_contract.records import Run
from tests.backend.api.conftest import Running
from tests.backend.store.batches import arrival, batch, line

PATH = "/api/v1/retention"


def test_it_is_set_listed_and_taken_back(running: Running) -> None:
    first = running.client.put(PATH, params={"project": "a/b é"}, json={"days": 30})
    running.client.put(PATH, params={"project": "c"}, json={"days": 0.5, "ended": True})

    assert first.json() == {"project": "a/b é", "days": 30.0, "ended": False}
    listed = running.client.get(PATH).json()["retention"]
    assert listed == [first.json(), {"project": "c", "days": 0.5, "ended": True}]
    assert running.client.delete(PATH, params={"project": "a/b é"}).status_code == 204
    assert [one["project"] for one in running.client.get(PATH).json()["retention"]] == ["c"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"days": 0.01}', "days is 0.01; it must lie between 1/24 and 100000"),
        ('{"days": 100001}', "days is 100001; it must lie between 1/24 and 100000"),
        ('{"days": 1e999}', "Number out of range"),
        ('{"days": "many"}', "Expected `float`, got `str` - at `$.days`"),
        ('{"days": 1, "hours": 2}', "unknown field `hours`"),
        ("{}", "missing required field `days`"),
        ("[" * 600, "Expected `object`, got `array`"),
        (" " * 2_000, "the body has more than 1024 bytes; a request has a few dozen"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_what_was_seen(body: str, text: str, running: Running) -> None:
    answer = running.client.put(PATH, params={"project": "p"}, content=body)

    assert answer.status_code == 422
    assert text in answer.json()["detail"]
    assert running.client.get(PATH).json() == {"retention": []}


def test_a_series_that_is_thinned_says_up_to_which_step(running: Running) -> None:
    store = running.service.store
    about = Run("r", "p", "r", 1.0)
    store.accept([arrival(batch(0, {"x": line(0, 3_000), "y": line(0, 9)}, about=about), received=1.0)])
    store.fold("r")
    running.client.put(PATH, params={"project": "p"}, json={"days": 1})
    store.upkeep.thin("r", within_s=60)

    found = running.client.get("/api/v1/runs/r/series", params={"metrics": ["x", "y"], "buckets": 10}).json()["series"]

    assert [one.get("thinned_to") for one in found] == [2_047, None]
    assert [one["points"] for one in found] == [3_000, 9]


def test_a_project_must_be_named(running: Running) -> None:
    assert running.client.put(PATH, json={"days": 30}).status_code == 422
    assert running.client.delete(PATH).status_code == 422
