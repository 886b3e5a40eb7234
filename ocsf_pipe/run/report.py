"""What a run did, in counts that must add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ocsf_pipe.engine.outcome import Failed


@dataclass(slots=True)
class Report:
    """The account of one or many batches.

    records: source records read, whether or not they could be decoded; written: those with at least one event in the
    lake; quarantined: by reason; dropped: by reason of the rule; events: rows by table; failed: values that did not
    convert; skipped: files that were in the lake already; gone: files that an ingest that was cut off had listed
    and that were taken away before they were read; seconds: wall clock.
    """

    records: int = 0
    written: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    failed: Counter[Failed] = field(default_factory=Counter)
    mappings: Counter[str] = field(default_factory=Counter)
    files: int = 0
    skipped: int = 0
    gone: int = 0
    seconds: float = 0.0

    def add(self, other: Report) -> None:
        """Take the counts of another report into this one."""
        self.records += other.records
        self.written += other.written
        self.files += other.files
        self.skipped += other.skipped
        self.gone += other.gone
        for mine, theirs in (
            (self.quarantined, other.quarantined),
            (self.dropped, other.dropped),
            (self.events, other.events),
            (self.mappings, other.mappings),
        ):
            mine.update(theirs)
        self.failed.update(other.failed)

    @property
    def missing(self) -> int:
        """Records that are neither written nor quarantined nor dropped: zero, or something is broken."""
        return self.records - self.written - self.quarantined.total() - self.dropped.total()

    def counts(self) -> dict[str, int]:
        """The account as a checkpoint keeps it."""
        return {
            "records": self.records,
            "written": self.written,
            "quarantined": self.quarantined.total(),
            "dropped": self.dropped.total(),
        }
