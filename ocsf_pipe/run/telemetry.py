"""What a running pipeline says of itself: every step is told here once, and becomes metrics, health and log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocsf_pipe.run.report import Report


class Telemetry:
    """The account of one running pipeline; every method may be called from any thread and never raises."""

    def __init__(self, pipeline: str) -> None:
        """Begin an account in which nothing has happened."""
        self.pipeline = pipeline

    # ------------------------------------------------------------------ the worker tells

    def opening(self, source: str) -> None:
        """A source is known and will be opened: it is not ready until `working`."""

    def working(self, source: str) -> None:
        """A source is open and answers; ends a wait."""

    def waiting(self, source: str, reason: str, seconds: float) -> None:
        """A source failed and is tried again in so many seconds; `reason` is for people and holds no secret."""

    def turned(self, source: str) -> None:
        """The loop of a source went round once; one that does not for long is unhealthy. Call it at every turn."""

    def stopped(self, source: str, reason: str) -> None:
        """The loop of a source ended: `finished`, `stopped`, or what went wrong for good."""

    def batch(
        self, source: str, partition: str, report: Report, *, seconds: float, commit_seconds: float, bytes: int
    ) -> None:
        """One batch is in the lake: its account, the time from its intent to its end, that of its commits, its bytes."""

    def lag(self, source: str, partition: str, positions: int | None) -> None:
        """So much waits behind a partition; None where it is not known or the partition is not ours any more."""

    def queue(self, source: str, bytes: int) -> None:
        """So many bytes of a source are read and not yet in the lake."""

    def gap(self, source: str, partition: str, positions: int) -> None:
        """Positions that ought to be there are gone at the far end (retention, a topic made anew)."""

    def freshness(self, source: str, seconds: float) -> None:
        """So long after it was read, the oldest record of the latest batch was in the lake."""

    def maintenance(self, table: str, what: str, seconds: float) -> None:
        """One piece of upkeep is done; `what` is compact, vacuum or retain."""

    def reloaded(self, what: str) -> None:
        """Mappings were read anew; `what` says which, or why not."""
