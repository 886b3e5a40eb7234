"""The metrics of a running pipeline, by the conventions of Prometheus; labels take few values whatever comes in."""

from __future__ import annotations

import platform
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily

OTHER = "other"
MOST_REASONS = 30
MOST_PARTITIONS = 100
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_PARTICULAR = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|0[xX][0-9a-fA-F]+|\d+")


# The engine's own words, and the schema's: these names are few, and say where to look.
_OF_THE_SCHEMA = re.compile(r"required attribute `[a-z_.]{1,60}` is null")


@dataclass(slots=True)
class Reasons:
    """Reasons as label values: without what is particular in them, and at most so many; `other` for the rest."""

    most: int = MOST_REASONS
    _known: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def label(self, reason: str) -> str:
        """The label of a reason; the same reason has the same label for as long as the pipeline runs."""
        plain = reason if _OF_THE_SCHEMA.fullmatch(reason) else _PARTICULAR.sub("…", reason)
        text = " ".join(plain.split())[:80] or OTHER
        with self._lock:
            if text not in self._known and len(self._known) >= self.most:
                return OTHER
            self._known.add(text)
            return text


@dataclass(slots=True, eq=False)
class Lags:
    """What waits behind each partition, told at the time of asking; partitions beyond the first few are one."""

    most: int = MOST_PARTITIONS
    _lags: dict[str, dict[str, int | None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, source: str, partition: str, positions: int | None) -> None:
        """Note a lag; None where it is not known."""
        with self._lock:
            self._lags.setdefault(source, {})[partition] = positions

    def forget(self, source: str, partition: str) -> None:
        """The partition is closed."""
        with self._lock:
            self._lags.get(source, {}).pop(partition, None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give what is known, as prometheus_client asks for it."""
        lag = GaugeMetricFamily(
            "ocsf_pipe_lag", "Positions at the far end not read yet.", labels=("source", "partition")
        )
        with self._lock:
            lags = {source: list(found.items()) for source, found in self._lags.items()}
        for source, found in lags.items():
            known = [(partition, positions) for partition, positions in found if positions is not None]
            for partition, positions in known[: self.most]:
                lag.add_metric((source, partition), positions)
            if len(known) > self.most:
                lag.add_metric((source, OTHER), sum(positions for _, positions in known[self.most :]))
        yield lag


class Metrics:
    """Every metric of one pipeline, in a registry of its own."""

    def __init__(self, pipeline: str) -> None:
        """Make them all, so that what has not happened reads zero as soon as its source is known."""
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.reasons = Reasons()
        self.lags = Lags()
        self.registry.register(self.lags)
        ProcessCollector(registry=self.registry)
        self.records = self._counter("records", "Records read.", "source")
        self.written = self._counter("written", "Records with an event in the lake.", "source")
        self.events = self._counter("events", "Events written, by class.", "source", "class")
        self.quarantined = self._counter("quarantined", "Records refused, by reason.", "source", "reason")
        self.dropped = self._counter("dropped", "Records dropped by an explicit rule.", "source", "reason")
        self.unconverted = self._counter("unconverted_values", "Values that did not convert.", "source")
        self.bytes = self._counter("bytes", "Raw bytes of the records.", "source")
        self.batches = self._counter("batches", "Batches committed.", "source")
        self.retries = self._counter("retries", "Times that a source failed and was waited for.", "source")
        self.gaps = self._counter("gap_positions", "Positions that were gone at the far end.", "source")
        self.reloads = self._counter("reloads", "Times that mappings were read anew.")
        self.queue = self._gauge("queue_bytes", "Bytes read and not in the lake yet.", "source")
        self.freshness = self._gauge("freshness_seconds", "From reading to the lake, latest batch.", "source")
        self.waiting = self._gauge("waiting", "1 while a source is waited for.", "source")
        self.last = self._gauge("last_batch_timestamp_seconds", "When the latest batch was in the lake.", "source")
        self.batch_seconds = self._histogram("batch_seconds", "From intent to end of a batch.", "source")
        self.commit_seconds = self._histogram("commit_seconds", "Commits of a batch.", "source")
        self.maintenance_seconds = self._histogram("maintenance_seconds", "One piece of upkeep.", "what")
        self.findings = self._counter("findings", "Findings made, by severity.", "severity")
        self.delivered = self._counter("findings_delivered", "Findings that a target took.", "target")
        self.round_seconds = self._histogram("detect_seconds", "Rules asked once of what is new.", "pace")
        build = Gauge("ocsf_pipe_build_info", "1.", ("version", "python", "pipeline"), registry=self.registry)
        build.labels(number(), platform.python_version(), pipeline).set(1)

    def known(self, source: str) -> None:
        """Let a source be seen before anything has happened to it."""
        for counter in (
            self.records,
            self.written,
            self.bytes,
            self.batches,
            self.retries,
            self.gaps,
            self.unconverted,
        ):
            counter.labels(source)
        for gauge in (self.queue, self.waiting):
            gauge.labels(source)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"ocsf_pipe_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"ocsf_pipe_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"ocsf_pipe_{name}", text, labels, registry=self.registry, buckets=_SECONDS)


def number() -> str:
    """The version of the program."""
    try:
        return version("ocsf-pipe")
    except PackageNotFoundError:  # run from a checkout
        return "unknown"
