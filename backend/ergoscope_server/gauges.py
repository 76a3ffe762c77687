"""The service's own figures, for Prometheus.

What is counted here is this process's own. Where several answer on one port, each sample says in `process` which one
did, as else the counters of one would be taken for those of another.
"""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Gauges:
    """One registry with everything that is counted; nothing global, so that two services can live in one process."""

    def __init__(self, *, process: str = "") -> None:
        """Begin at zero; `process` names this one among those that answer on the same port."""
        self.registry = CollectorRegistry()
        self._process = process
        self._looks: list[Callable[[], None]] = []
        self._of_intake()
        self._of_reading()
        self._of_folding()
        self._of_processes()

    def _of_intake(self) -> None:
        self.batches = self._counter("batches", "Batches answered, by what became of them", "outcome")
        self.bytes = self._counter("batch_bytes", "Bytes of batches that were stored, as sent")
        self.values = self._counter("values", "Values stored")
        self.refused = self._counter("refused", "Values and records refused alone")
        self.lost = self._counter("lost_records", "Records that no ring had room for, as their jobs tell")
        self.thinned = self._counter("thinned_rows", "Rows given up in jobs, with extremes kept, as they tell")
        self.acknowledge = self._seconds("acknowledge_seconds", "From request to durable")
        self.waiting = self._gauge("waiting_bytes", "Bytes of batches not yet written")

    def _of_reading(self) -> None:
        self.requests = self._counter("requests", "Requests answered", "method", "route", "status")
        self.request_seconds = self._seconds(
            "request_seconds", "From request to the end of its answer", "method", "route"
        )
        self.refusals = self._counter("refusals", "Requests refused, by why", "route", "reason")
        self.readers = self._gauge("live_readers", "Open live streams")

    def _of_folding(self) -> None:
        self.unfolded = self._gauge("unfolded_bytes", "Bytes of the log not yet folded")
        self.unfolded_batches = self._gauge("unfolded_batches", "Batches of the log not yet folded")
        self.unfolded_runs = self._gauge("unfolded_runs", "Runs of which something is not yet folded")
        self.oldest = self._gauge(
            "unfolded_oldest_timestamp_seconds", "When the oldest batch came that is not yet folded; 0 without any"
        )
        self.folds = self._counter("folded_points", "Points folded into chunks")
        self.fold_seconds = self._seconds("fold_seconds", "Time of one fold")
        self.due = self._gauge("waiting_runs", "Runs of which this worker has heard and not yet folded all")
        self.judge_seconds = self._seconds("judge_seconds", "Time of one look at a run for its verdict")

    def _of_processes(self) -> None:
        self.redis = self._gauge("redis_up", "1 while news of other processes come in through Redis, else 0")
        self.outbox = self._gauge("outbox_runs", "Runs of which news wait to be sent to other processes", "queue")
        self.shards = self._gauge("shards", "Of the 64 shards of runs, how many this worker holds")

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"ergoscope_{name}", about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"ergoscope_{name}", about, labels, registry=self.registry)

    def _seconds(self, name: str, about: str, *labels: str) -> Histogram:
        return Histogram(f"ergoscope_{name}", about, labels, buckets=SECONDS, registry=self.registry)

    def show_backlog(self, *, runs: int, batches: int, size: int, oldest: float | None) -> None:
        """Show what waits to be folded: of how many runs, how many batches of how many bytes, since when."""
        self.unfolded_runs.set(runs)
        self.unfolded_batches.set(batches)
        self.unfolded.set(size)
        self.oldest.set(oldest or 0.0)

    def look_first(self, look: Callable[[], None]) -> None:
        """Have something looked up each time before the figures are given."""
        self._looks.append(look)

    def collect(self) -> Iterator[Metric]:
        """Give all figures as they are now, as Prometheus' client asks for them."""
        for look in self._looks:
            look()
        for metric in self.registry.collect():
            if self._process:
                metric.samples = [
                    one._replace(labels={**one.labels, "process": self._process}) for one in metric.samples
                ]
            yield metric

    def text(self) -> bytes:
        """Give all figures in Prometheus' text format."""
        return generate_latest(self)
