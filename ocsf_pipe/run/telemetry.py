"""What a running pipeline says of itself: every step is told here once, and becomes metrics, health and log lines."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from ocsf_pipe.run.logs import without
from ocsf_pipe.run.telemetry_health import ENDED, Health
from ocsf_pipe.run.telemetry_metrics import Metrics, number
from ocsf_pipe.run.telemetry_server import Answer, Server, answer

if TYPE_CHECKING:
    from ocsf_pipe.run.pipeline import MetricsSpec
    from ocsf_pipe.run.report import Report

LOG = logging.getLogger("ocsf_pipe.telemetry")


class Telemetry:
    """The account of one running pipeline; every method may be called from any thread and never raises.

    `secrets` are texts that no reason may hold: they are taken out of what failures say.
    """

    def __init__(self, pipeline: str, secrets: Sequence[str] = ()) -> None:
        """Begin an account in which nothing has happened."""
        self.pipeline = pipeline
        self.metrics = Metrics(pipeline)
        self.health = Health(pipeline)
        self._secrets = tuple(secrets)

    # ------------------------------------------------------------------ whoever runs it tells

    def started(self, sources: int, lake: str, listening: str | None) -> None:
        """The pipeline begins; `listening` is where its metrics are."""
        self._log(logging.INFO, "pipeline_started", sources=sources, lake=lake, listening=listening, version=number())

    def ended(self, how: str, report: Report) -> None:
        """The pipeline ended: `finished` or `stopped`, with the account of all its sources."""
        self._log(logging.INFO, "pipeline_stopped", how=how, **report.counts(), events=dict(report.events))

    # ------------------------------------------------------------------ the worker tells

    def opening(self, source: str) -> None:
        """A source is known and will be opened: it is not ready until `working`."""
        self.metrics.known(source)
        if self.health.enter(source, "opening"):
            self._log(logging.INFO, "source_opening", source=source)

    def working(self, source: str) -> None:
        """A source is open and answers; ends a wait."""
        self.metrics.waiting.labels(source).set(0)
        if self.health.enter(source, "working"):
            self._log(logging.INFO, "source_working", source=source)

    def waiting(self, source: str, reason: str, seconds: float) -> None:
        """A source failed and is tried again in so many seconds; `reason` is for people."""
        text = without(reason, self._secrets)
        self.metrics.waiting.labels(source).set(1)
        self.metrics.retries.labels(source).inc()
        self.health.enter(source, "waiting", text, seconds)
        self._log(logging.WARNING, "source_waiting", source=source, reason=text, seconds=seconds)

    def turned(self, source: str) -> None:
        """The loop of a source went round once; one that does not for long is unhealthy. Call it at every turn."""
        self.health.turned(source)

    def stopped(self, source: str, reason: str) -> None:
        """The loop of a source ended: `finished`, `stopped`, or what went wrong for good."""
        text = without(reason, self._secrets)
        self.health.enter(source, "stopped", text)
        self.metrics.waiting.labels(source).set(0)
        self.metrics.queue.labels(source).set(0)
        self._log(logging.INFO if text in ENDED else logging.ERROR, "source_stopped", source=source, reason=text)

    def batch(
        self,
        source: str,
        partition: str,
        report: Report,
        *,
        seconds: float,
        commit_seconds: float,
        bytes: int,  # noqa: A002 - the word for it
    ) -> None:
        """One batch is in the lake: its account, the seconds it took, those of its commits, its raw bytes."""
        self._count(source, report)
        self.metrics.bytes.labels(source).inc(bytes)
        self.metrics.batches.labels(source).inc()
        self.metrics.last.labels(source).set(time.time())
        self.metrics.batch_seconds.labels(source).observe(seconds)
        self.metrics.commit_seconds.labels(source).observe(commit_seconds)
        self._log(
            logging.INFO,
            "batch_committed",
            source=source,
            partition=partition,
            **report.counts(),
            events=dict(report.events),
            bytes=bytes,
            seconds=round(seconds, 3),
            commit_seconds=round(commit_seconds, 3),
        )

    def _count(self, source: str, report: Report) -> None:
        self.metrics.records.labels(source).inc(report.records)
        self.metrics.written.labels(source).inc(report.written)
        self.metrics.unconverted.labels(source).inc(report.failed.total())
        for table, count in report.events.items():
            self.metrics.events.labels(source, table).inc(count)
        for reason, count in report.quarantined.items():
            self.metrics.quarantined.labels(source, self._label(reason)).inc(count)
        for reason, count in report.dropped.items():
            self.metrics.dropped.labels(source, self._label(reason)).inc(count)

    def _label(self, reason: str) -> str:
        return self.metrics.reasons.label(without(reason, self._secrets))

    def lag(self, source: str, partition: str, positions: int | None) -> None:
        """So much waits behind a partition; None where it is not known or the partition is not ours any more."""
        if positions is None:
            self.metrics.lags.forget(source, partition)
        else:
            self.metrics.lags.set(source, partition, positions)

    def queue(self, source: str, bytes: int) -> None:  # noqa: A002 - the word for it
        """So many bytes of a source are read and not yet in the lake."""
        self.metrics.queue.labels(source).set(bytes)

    def gap(self, source: str, partition: str, positions: int) -> None:
        """Positions that ought to be there are gone at the far end (retention, a topic made anew)."""
        self.metrics.gaps.labels(source).inc(positions)
        self._log(logging.WARNING, "gap_found", source=source, partition=partition, positions=positions)

    def freshness(self, source: str, seconds: float) -> None:
        """So long after it was read, the oldest record of the latest batch was in the lake."""
        self.metrics.freshness.labels(source).set(seconds)

    def maintenance(self, table: str, what: str, seconds: float) -> None:
        """One piece of upkeep is done; `what` is compact, vacuum or retain."""
        self.metrics.maintenance_seconds.labels(what).observe(seconds)
        self._log(logging.INFO, "maintenance_done", table=table, what=what, seconds=round(seconds, 3))

    def detected(self, pace: str, severities: Sequence[str], seconds: float) -> None:
        """Rules were asked of what is new; the severity of each finding that came of it."""
        self.metrics.round_seconds.labels(pace).observe(seconds)
        for severity in severities:
            self.metrics.findings.labels(severity).inc()
        if severities:
            self._log(logging.INFO, "findings_made", pace=pace, findings=len(severities), seconds=round(seconds, 3))

    def delivered(self, target: str, findings: int) -> None:
        """A target took so many findings."""
        self.metrics.delivered.labels(target).inc(findings)
        self._log(logging.INFO, "findings_delivered", target=target, findings=findings)

    def reloaded(self, what: str) -> None:
        """Mappings were read anew; `what` says which, or why not."""
        self.metrics.reloads.inc()
        self._log(logging.INFO, "mappings_reloaded", what=without(what, self._secrets))

    def _log(self, level: int, event: str, **fields: object) -> None:
        LOG.log(level, event.replace("_", " "), extra={"event": event, "pipeline": self.pipeline, **fields})

    # ------------------------------------------------------------------ who wants to see asks

    def exposition(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        text: bytes = generate_latest(self.metrics.registry)
        return text

    def serve(self, spec: MetricsSpec) -> Server:
        """Listen for those who ask; the caller starts and stops it. Raises UsageError where the address is taken."""
        answers: dict[str, Answer] = {
            "/metrics": lambda: (HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, self.exposition()),
            "/healthz": lambda: _judged(*self.health.alive()),
            "/readyz": lambda: _judged(*self.health.ready()),
        }
        return Server(spec.host, spec.port, answers)


def _judged(good: bool, body: dict[str, object]) -> tuple[HTTPStatus, str, bytes]:  # noqa: FBT001 - a verdict
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return answer(status, {"status": "ok" if good else "unavailable", **body})
