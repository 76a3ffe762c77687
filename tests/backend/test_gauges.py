"""Figures as Prometheus wants them: by its conventions, and apart by process where several answer on one port."""

import re

from prometheus_client.parser import text_string_to_metric_families

from ergoscope_server.gauges import Gauges


def test_names_are_of_this_service_and_end_in_their_unit() -> None:
    for metric in Gauges().collect():
        assert re.fullmatch(r"ergoscope_[a-z_]+", metric.name)
        assert metric.documentation
        names = {sample.name for sample in metric.samples if not sample.name.endswith("_created")}
        if metric.type == "counter":
            assert all(name.endswith("_total") for name in names)
        if metric.type == "histogram":
            assert metric.name.endswith("_seconds")


def test_of_several_processes_each_sample_says_whose_it_is() -> None:
    gauges = Gauges(process="1")
    gauges.batches.labels("stored").inc(3)

    families = list(text_string_to_metric_families(gauges.text().decode()))

    samples = [sample for family in families for sample in family.samples]
    assert samples
    assert {sample.labels["process"] for sample in samples} == {"1"}
    assert [
        s.value for s in samples if s.labels == {"outcome": "stored", "process": "1"} and s.name.endswith("total")
    ] == [3]


def test_a_single_process_needs_no_name() -> None:
    assert b'process="' not in Gauges().text()


def test_what_is_asked_for_is_as_it_is_when_the_figures_are_read() -> None:
    gauges = Gauges()
    seen = iter([5, 7])
    gauges.look_first(lambda: gauges.readers.set(next(seen)))

    assert b"ergoscope_live_readers 5.0" in gauges.text()
    assert b"ergoscope_live_readers 7.0" in gauges.text()


def test_without_a_backlog_there_is_no_oldest_batch() -> None:
    gauges = Gauges()
    gauges.show_backlog(runs=2, batches=3, size=400, oldest=1.79e9)
    known = gauges.registry.get_sample_value

    assert [known(f"ergoscope_unfolded_{what}") for what in ("runs", "batches", "bytes")] == [2, 3, 400]
    assert known("ergoscope_unfolded_oldest_timestamp_seconds") == 1.79e9
    gauges.show_backlog(runs=0, batches=0, size=0, oldest=None)
    assert known("ergoscope_unfolded_oldest_timestamp_seconds") == 0
