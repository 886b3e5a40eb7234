"""What an engine makes of a batch: tables of events, rejected records, and counts that must add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from ocsf_pipe.plan.nodes import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one record is in quarantine: its row in the batch, the rule that took it, the attribute, the reason."""

    row: int
    rule: str
    attribute: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """One way in which values did not convert: rule, attribute, the source paths it reads, what was expected."""

    rule: str
    attribute: str
    sources: tuple[Path, ...]
    expected: str


@dataclass(slots=True)
class Outcome:
    """The result of one batch.

    tables: events by table name, OCSF attributes as nested columns, plus `source`.
    faults: the records that were rejected, in order.
    dropped: records taken away by a `drop` rule, by its reason.
    failed: how many values did not convert, by way.
    written: source records of which at least one event is in `tables`.
    texts: what was sealed in the records, by its keyed hash, where it is to be stored.
    """

    tables: dict[str, pa.Table] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    failed: Counter[Failed] = field(default_factory=Counter)
    written: int = 0
    texts: Mapping[str, str] = field(default_factory=dict)
