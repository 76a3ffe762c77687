"""The service's own figures, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Gauges:
    """One registry with everything that is counted; nothing global, so that two services can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.batches = Counter(
            "ergoscope_batches", "Batches answered, by what became of them", ["outcome"], registry=self.registry
        )
        self.values = Counter("ergoscope_values", "Values stored", registry=self.registry)
        self.refused = Counter("ergoscope_refused", "Values and records refused alone", registry=self.registry)
        self.acknowledge = Histogram(
            "ergoscope_acknowledge_seconds", "From request to durable", buckets=SECONDS, registry=self.registry
        )
        self.waiting = Gauge("ergoscope_waiting_bytes", "Bytes of batches not yet written", registry=self.registry)
        self.readers = Gauge("ergoscope_live_readers", "Open live streams", registry=self.registry)
        self.folds = Counter("ergoscope_folded_points", "Points folded into chunks", registry=self.registry)
        self.fold_seconds = Histogram(
            "ergoscope_fold_seconds", "Time of one fold", buckets=SECONDS, registry=self.registry
        )
        self.unfolded = Gauge("ergoscope_unfolded_bytes", "Bytes of the log not yet folded", registry=self.registry)
