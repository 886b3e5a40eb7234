"""Records in memory → tables in memory: the engine without a lake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import pyarrow as pa

from ocsf_pipe.decode import FORMATS
from ocsf_pipe.engine.engine import Engine
from ocsf_pipe.engine.outcome import Failed
from ocsf_pipe.mapping.catalogue import find_mapping
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.run.batch import now
from ocsf_pipe.run.quarantine import Refused

Record: TypeAlias = Mapping[str, Any] | str | bytes
"""A JSON object, or one raw document of the mapping's format as text or bytes."""


@dataclass(frozen=True, slots=True)
class Normalized:
    """Events by table (OCSF attributes as nested columns), refused records with reasons, and what was dropped.

    `failed` counts source values that did not convert, by rule and attribute; they are still in `unmapped`.
    """

    tables: dict[str, pa.Table]
    quarantine: pa.Table
    dropped: Counter[str]
    failed: Counter[Failed]


def normalize(records: Iterable[Record], mapping: str | Path | Plan, *, clock: int | None = None) -> Normalized:
    """Map records to OCSF events.

    `mapping` is a name (`aws.cloudtrail`), a path, or a compiled plan; `clock` is the processing time in milliseconds
    since 1970, now by default. Bad records are in `quarantine`, never an exception. Raises MappingError or UsageError
    for a mapping that does not compile or is not there.
    """
    plan = mapping if isinstance(mapping, Plan) else find_mapping(mapping).plan
    messages = pa.array([_bytes(record) for record in records], pa.large_binary())
    found = FORMATS[plan.format].parse(messages, plan.settings)
    engine = Engine(plan)
    rows = engine.expand(found)
    at = now() if clock is None else clock
    outcome = engine.run(rows, clock=at)
    refused = Refused(plan.mapping, "", plan.digest, at).table(rows, outcome.faults, found.rejects)
    return Normalized(outcome.tables, refused, outcome.dropped, outcome.failed)


def _bytes(record: Record) -> bytes:
    if isinstance(record, bytes):
        return record
    return record.encode() if isinstance(record, str) else orjson.dumps(record)
