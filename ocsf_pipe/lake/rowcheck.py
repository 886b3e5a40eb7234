"""The first row of a file that is not what was committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake.attest import WIDTH, FileClaim, get_digests
from ocsf_pipe.lake.rowhash import row_digests
from ocsf_pipe.lake.store import Store
from ocsf_pipe.lake.write import read_file


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that is not as it was committed.

    `what` is altered, removed or inserted; `row` counts from 1 within the file, `uid` and `time` are those of the row
    itself, or of the row that stands where it was.
    """

    table: str
    day: str
    what: str
    text: str
    file: str = ""
    row: int | None = None
    uid: str | None = None
    time: int | None = None


def first_difference(
    store: Store, table: str, file: FileClaim, known: Mapping[str, FileClaim], *, bytes_differ: bool
) -> Break | None:
    """Compare the rows of a file with those that were committed; None when all are there and its bytes are the same."""
    try:
        rows = read_file(store, table, file.path)
    except FileNotFoundError:
        text = f"the file is gone, with its {file.rows:,} rows"
        return Break(table, file.day, "removed", text, file.path, 1)
    except (OSError, pa.ArrowException) as error:
        first, reason = _readable(store, table, file), str(error).splitlines()[0]
        return Break(table, file.day, "altered", f"the file cannot be read: {reason}", file.path, first)
    try:
        wanted = expected(store, file, known)
    except LakeError as error:
        return Break(table, file.day, "altered", str(error), file.path) if bytes_differ else None
    if wanted is None:
        text = "the file's bytes are not what was committed; its rows have no digests to tell which"
        return Break(table, file.day, "altered", text, file.path) if bytes_differ else None
    found = _cut(row_digests(rows))
    at = _in_order(found, wanted) if not file.made_of else _as_set(found, wanted)
    if at is not None:
        what, row, text = at
        uid, time = _name(rows, row)
        return Break(table, file.day, what, text, file.path, row + 1, uid, time)
    text = "the file's bytes are not what was committed, though its rows are: its metadata or statistics were altered"
    return Break(table, file.day, "altered", text, file.path) if bytes_differ else None


def expected(store: Store, file: FileClaim, known: Mapping[str, FileClaim]) -> list[bytes] | None:
    """Return the digests of the rows that belong into a file; None where some of them were never attested.

    A file that was made of others has their rows, down to the files with which they came. LakeError when stored
    digests are gone or altered.
    """
    if file.digests is not None:
        return _cut(get_digests(store, file.digests))
    if not file.made_of:
        return None
    parts = [expected(store, known[path], known) if path in known else None for path in file.made_of]
    if any(part is None for part in parts):
        return None
    rows = [digest for part in parts for digest in part or ()]
    if file.taken is None:
        return rows
    rest = Counter(rows)
    rest.subtract(_cut(get_digests(store, file.taken)))
    return list(rest.elements())


def _cut(digests: bytes) -> list[bytes]:
    return [digests[at : at + WIDTH] for at in range(0, len(digests), WIDTH)]


def _in_order(found: Sequence[bytes], wanted: Sequence[bytes]) -> tuple[str, int, str] | None:
    """The first place where two sequences part, and which of the three it is."""
    same = next((i for i, (one, other) in enumerate(zip(found, wanted, strict=False)) if one != other), None)
    if same is None:
        if len(found) == len(wanted):
            return None
        same = min(len(found), len(wanted))
    counts = f"{len(wanted):,} rows were committed, {len(found):,} are there"
    if same >= len(found) or (same < len(wanted) and len(found) < len(wanted) and found[same] in wanted[same + 1 :]):
        return "removed", same, f"row {same + 1:,} was removed: {counts}"
    if same >= len(wanted) or (len(found) > len(wanted) and wanted[same] in found[same + 1 :]):
        return "inserted", same, f"row {same + 1:,} was inserted: {counts}"
    return "altered", same, f"row {same + 1:,} was altered"


def _as_set(found: Sequence[bytes], wanted: Sequence[bytes]) -> tuple[str, int, str] | None:
    """The same for rows that were sorted since they were committed: which of them belong together is not known."""
    missing, extra = Counter(wanted), Counter(found)
    missing.subtract(found)
    extra.subtract(wanted)
    lost, strange = sum((+missing).values()), sum((+extra).values())
    if not lost and not strange:
        return None
    row = next((i for i, digest in enumerate(found) if extra[digest] > 0), len(found))
    if not strange:
        return "removed", row, f"{lost:,} of the rows that the file was made of are not in it"
    if not lost:
        return "inserted", row, f"row {row + 1:,} was inserted"
    return "altered", row, f"row {row + 1:,} was altered"


def _readable(store: Store, table: str, file: FileClaim) -> int | None:
    """The first row of the first row group that cannot be read; None where not even the footer can."""
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(store.reader(f"{table}/{file.path}"))
    except (OSError, pa.ArrowException):
        return None
    begin = 1
    for group in range(parquet.num_row_groups):
        try:
            parquet.read_row_group(group)
        except (OSError, pa.ArrowException):
            return begin
        begin += parquet.metadata.row_group(group).num_rows
    return begin


def _name(rows: pa.Table, row: int) -> tuple[str | None, int | None]:
    """The id and time of a row, or of the last one where rows are missing at the end."""
    if not rows.num_rows:
        return None, None
    found: dict[str, Any] = rows.slice(min(row, rows.num_rows - 1), 1).to_pylist()[0]
    metadata = found.get("metadata") or {}
    uid = metadata.get("uid") if isinstance(metadata, dict) else None
    time = found.get("time")
    return uid or found.get("record_uid"), time if isinstance(time, int) else None
