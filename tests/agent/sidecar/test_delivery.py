"""What the server's answers mean for a batch."""

import json

import pytest

from ergoscope.sidecar.delivery import HttpDelivery, Outcome, judge
from ergoscope_contract.codec import encode
from ergoscope_contract.records import Batch
from ergoscope_contract.slices import SliceRequest
from ergoscope_contract.version import CONTRACT_VERSION
from tests.agent.fake_server import Answer, FakeServer

BATCH = encode(Batch(version=CONTRACT_VERSION, run="r", attempt=1, rank=0, seq=0))


def said(status: int, body: object, retry_after: str | None = None) -> Outcome:
    return judge(status, json.dumps(body).encode(), retry_after=retry_after)


def test_a_receipt_says_that_it_is_delivered() -> None:
    assert said(200, {"stored": True}).kind == "delivered"
    assert said(200, {"stored": True, "duplicate": True}).kind == "delivered"


def test_refused_values_of_a_stored_batch_are_told_and_it_counts_as_delivered() -> None:
    outcome = said(422, {"stored": True, "refused": [{"where": "blocks[0]", "reason": "too many"}]})

    assert outcome.kind == "delivered"
    assert outcome.refusals[0].reason == "too many"


def test_a_receipt_says_what_somebody_asks_of_the_job() -> None:
    outcome = said(200, {"stored": True, "requests": [{"id": "s1", "points": 11}, {"id": "s2"}]})

    assert outcome.requests == (SliceRequest("s1", points=11), SliceRequest("s2"))


def test_a_request_that_is_not_understood_is_passed_over_and_the_batch_is_delivered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = [{"id": "s1", "axes": "sideways"}, {"id": "s2", "points": 4}, {"id": "s3"}]

    outcome = said(200, {"stored": True, "requests": asked})

    assert (outcome.kind, outcome.requests) == ("delivered", (SliceRequest("s3"),))
    assert "a request of the server is not understood here and passed over: Invalid enum value 'side" in caplog.text
    assert "points is 4" in caplog.text


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_batch_that_the_server_will_never_take_is_refused_with_its_words(status: int) -> None:
    outcome = said(status, {"error": "Shape", "detail": "seen 1, allowed 2"})

    assert outcome == Outcome("refused", reason=f"{status} Shape: seen 1, allowed 2")


@pytest.mark.parametrize("status", [301, 401, 403, 404, 429, 500, 502, 503])
def test_what_is_wrong_with_the_way_and_not_with_the_batch_is_tried_again(status: int) -> None:
    outcome = said(status, {"error": "Busy", "detail": "later"})

    assert outcome.kind == "later"
    assert outcome.barred == (status in {401, 403})


def test_a_stranger_that_says_400_is_no_judge_of_batches() -> None:
    assert judge(400, b"<html>Bad Request</html>").kind == "later"


def test_a_200_that_is_no_receipt_is_not_believed() -> None:
    assert judge(200, b"<html>Welcome</html>").kind == "later"


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("3600", 30.0), ("-1", 0.0), ("tomorrow", 0.0), (None, 0.0)]
)
def test_the_server_may_ask_for_time_but_not_for_ever(header: str | None, seconds: float) -> None:
    assert said(503, {"error": "Busy"}, header).wait_s == seconds


def test_batches_arrive_over_http_with_the_key(server: FakeServer) -> None:
    delivery = HttpDelivery(server.url + "/", api_key="s3cret")

    assert delivery.send(BATCH).kind == "delivered"

    assert server.arrivals[0].run == "r"
    assert server.authorizations == ["Bearer s3cret"]


def test_nothing_that_answers_is_tried_again_and_says_why() -> None:
    outcome = HttpDelivery("http://127.0.0.1:9").send(BATCH)

    assert outcome.kind == "later"
    assert "Connection refused" in outcome.reason


def test_a_server_that_hangs_is_tried_again(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.plan = lambda n: Answer(hangs=n == 0)
    delivery = HttpDelivery(server.url)
    delivery._pool.connection_pool_kw["timeout"] = 0.2

    assert delivery.send(BATCH).kind == "later"
    assert delivery.send(BATCH).kind == "delivered"


def test_that_its_run_was_deleted_only_this_server_can_say() -> None:
    outcome = said(410, {"error": "Deleted", "detail": "run 'r' was deleted"})

    assert outcome == Outcome("deleted", reason="410 Deleted: run 'r' was deleted")
    assert said(410, {"error": "Gone", "detail": "by a proxy"}).kind == "later"
    assert judge(410, b"<html>Gone</html>").kind == "later"
