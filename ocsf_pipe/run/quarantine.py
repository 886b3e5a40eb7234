"""Rows of `_quarantine`: everything that is needed to see why a record was refused, and to map it again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from ocsf_pipe.engine.outcome import Fault
from ocsf_pipe.source import Records, Reject

SCHEMA = pa.schema(
    [
        ("record_uid", pa.string()),
        ("source", pa.string()),
        ("partition", pa.string()),
        ("position", pa.int64()),
        ("sub", pa.int64()),
        ("rule", pa.string()),
        ("field", pa.string()),
        ("reason", pa.string()),
        ("mapping_version", pa.string()),
        ("time", pa.int64()),
        ("raw", pa.binary()),
        ("record", pa.string()),
    ]
)
"""`record` is the decoded record as JSON text where `raw` alone does not say it (a line under a header, a span)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The refused records of one partition: who mapped them, where they stood, when."""

    source: str
    partition: str
    mapping_version: str
    clock: int

    def table(self, records: Records, faults: Sequence[Fault], rejects: Sequence[Reject] = ()) -> pa.Table:
        """The rows for what an engine refused and for what could not be decoded."""
        rows = [self._fault(records, fault) for fault in faults] + [self._reject(reject) for reject in rejects]
        return pa.Table.from_pylist(rows, schema=SCHEMA)

    def _fault(self, records: Records, fault: Fault) -> dict[str, object]:
        raw = records.raw[fault.row].as_py().encode()
        position, sub = records.position[fault.row].as_py(), records.sub[fault.row].as_py()
        place = {"rule": fault.rule, "field": fault.attribute, "reason": fault.reason}
        return {**self._row(raw, position, sub), **place, "record": _decoded(records, fault.row)}

    def _reject(self, reject: Reject) -> dict[str, object]:
        return {**self._row(reject.raw, reject.position, reject.sub), "reason": reject.reason}

    def _row(self, raw: bytes, position: int, sub: int) -> dict[str, object]:
        return {
            "record_uid": record_uid(self.partition, position, sub, raw),
            "source": self.source,
            "partition": self.partition,
            "position": position,
            "sub": sub,
            "mapping_version": self.mapping_version,
            "time": self.clock,
            "raw": raw,
        }


def record_uid(partition: str, position: int, sub: int, raw: bytes) -> str:
    """The id of a record: what it says and where it stood."""
    return hashlib.sha256(f"{partition}\0{position}\0{sub}\0".encode() + raw).hexdigest()[:32]


def _decoded(records: Records, row: int) -> str | None:
    if records.json is not None:
        found: str = records.json[row].as_py()
        return found
    if records.columns is None:
        return None
    from ocsf_pipe.decode import json_text

    names = records.columns.column_names
    values = {name: records.columns[name][row].as_py() for name in names}
    return json_text.dumps({name: value for name, value in values.items() if value is not None})
