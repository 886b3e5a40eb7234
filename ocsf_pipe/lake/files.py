"""Rows of one day as one Parquet file, and the Delta action that adds it."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from ocsf_pipe.lake.attest import Digests, Written, put_digests
from ocsf_pipe.lake.days import Day
from ocsf_pipe.lake.rowhash import row_digests
from ocsf_pipe.lake.shape import leaves
from ocsf_pipe.lake.store import Store

if TYPE_CHECKING:
    from hashlib import _Hash

# Long texts that hardly repeat: a dictionary of them is built, overflows and is thrown away.
_NO_DICTIONARY = frozenset({"raw_data", "unmapped", "message", "raw", "detail", "time", "record_uid"})
_ROW_GROUP = 122_880  # what DuckDB reads at once


@dataclass(slots=True)
class _Hashed:
    """A file that hashes what is written to it."""

    file: BinaryIO
    closed: bool = False
    digest: _Hash = field(default_factory=sha256)

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.file.write(data)

    def tell(self) -> int:
        return self.file.tell()

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        """Leave the file open: whoever opened it makes it durable."""


def write_day(store: Store, table: str, part: Day, *, data_change: bool = True, level: str = "files") -> Written:
    """Write the rows durably under a name of its own and return the action that makes them part of the table.

    The name carries a digest of the file's schema, so that a reader knows without opening them that files are alike.
    At level `rows` a digest of every row is stored first: they are what the rows are compared with ever after.
    """
    name = f"event_day={part.day}/{schema_digest(part.rows.schema)}-{uuid.uuid4().hex}.parquet"
    digests: Digests | None = put_digests(store, table, name, row_digests(part.rows)) if level == "rows" else None
    with store.writer(f"{table}/{name}") as file:
        hashed = _Hashed(file)
        pq.write_table(part.rows, hashed, **_settings(part.rows.schema))
        size = file.tell()
    action = AddAction(
        path=name,
        size=size,
        partition_values={"event_day": str(part.day)},
        modification_time=time.time_ns() // 1_000_000,
        data_change=data_change,
        stats=json.dumps(_statistics(part.rows)),
    )
    return Written(action, part.rows.num_rows, "" if level == "off" else hashed.digest.hexdigest(), digests)


def schema_digest(schema: pa.Schema) -> str:
    """Return twelve hex digits that are the same for files with the same columns, types and order."""
    return sha256(str(schema.remove_metadata()).encode()).hexdigest()[:12]


def _settings(schema: pa.Schema) -> dict[str, object]:
    """Return the Parquet settings: statistics only where queries prune, the largest saving over the defaults."""
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": [path for path, _ in leaves(schema) if path not in _NO_DICTIONARY],
        "write_statistics": [path for path, kind in leaves(schema) if "." not in path and pa.types.is_integer(kind)],
        "row_group_size": _ROW_GROUP,
        "store_schema": False,
    }


def _statistics(rows: pa.Table) -> dict[str, object]:
    stats: dict[str, object] = {"numRecords": rows.num_rows}
    if "time" in rows.column_names:
        span = pc.min_max(rows["time"]).as_py()
        stats["nullCount"] = {"time": rows["time"].null_count}
        if span["min"] is not None:
            stats |= {"minValues": {"time": span["min"]}, "maxValues": {"time": span["max"]}}
    return stats
