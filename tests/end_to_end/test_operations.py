"""Figures and lines of a service of several processes, each its own."""

import json
import socket

import pytest
import urllib3
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.backend.servers import own_redis
from tests.end_to_end.fleet import Fleet, Sender, until
from tests.end_to_end.test_several_processes import fleet

__all__ = ["fleet", "own_redis"]  # fixtures

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


def _free(count: int) -> int:
    """Give the first of so many free ports in a row."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        if first + count < 65_536 and all(_is_free(first + i) for i in range(count)):
            return first
    raise AssertionError("no free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _figures(port: int) -> list[Sample]:
    text = urllib3.request("GET", f"http://127.0.0.1:{port}/metrics", retries=False).data.decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def _total(samples: list[Sample], name: str) -> float:
    return sum(sample.value for sample in samples if sample.name == name)


def test_every_process_gives_its_own_figures_and_lines(fleet: Fleet) -> None:
    first = _free(3)
    fleet.environment = {"ERGOSCOPE_LOG_FORMAT": "json", "ERGOSCOPE_LOG_LEVEL": "info"}
    fleet.environment["ERGOSCOPE_METRICS_PORT"] = str(first)
    fleet.serve("--workers", "2")
    fleet.environment["ERGOSCOPE_METRICS_PORT"] = str(first + 2)
    fleet.work()
    senders = [Sender(fleet, f"run{i}") for i in range(4)]
    for sender in senders:
        sender.start()
    until(lambda: all(sender.batches > 70 for sender in senders), what="batches")
    for sender in senders:
        sender.stop()

    served = [_figures(first), _figures(first + 1)]
    until(lambda: _total(_figures(first + 2), "ergoscope_folded_points_total") > 0, what="a fold")
    worked = _figures(first + 2)

    assert [{sample.labels["process"] for sample in samples} for samples in served] == [{"0"}, {"1"}]
    sent = sum(sender.batches for sender in senders)
    assert sum(_total(samples, "ergoscope_batches_total") for samples in served) == sent
    assert all(_total(samples, "ergoscope_redis_up") == 1 for samples in (*served, worked))
    assert _total(worked, "ergoscope_shards") == 64
    assert _total(worked, "ergoscope_judge_seconds_count") > 0
    assert not any("process" in sample.labels for sample in worked)

    said = [json.loads(line) for line in fleet.said.splitlines()]
    texts = {(line["text"], line.get("run")) for line in said}
    assert {("answered", "run0"), ("folded", "run0"), ("judged", "run0")} <= texts
    posts = [line for line in said if line.get("route") == "/api/v1/batches"]
    assert len({line["request"] for line in posts}) == len(posts) == sum(sender.tries for sender in senders)
    assert not any("Traceback" in line for line in fleet.said.splitlines())
