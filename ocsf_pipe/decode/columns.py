"""Lines of separated fields into text columns."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.decode.json_values import picked
from ocsf_pipe.source import Records, Reject


def separated(
    lines: Records, text: pa.LargeStringArray, names: Sequence[str], delimiter: str, quote: str | None
) -> Records:
    """Split the text of each record into named columns; a record with too few or too many fields becomes a reject."""
    fields = split(text, delimiter, quote)
    counts = pc.list_value_length(fields).to_numpy()
    fits = np.flatnonzero(counts == len(names))
    flat = fields.take(pa.array(fits)).flatten() if len(fits) < len(counts) else fields.flatten()
    width = len(names)
    columns = [flat.take(pa.array(np.arange(i, len(flat), width))) for i in range(width)]
    rejects = [_reject(lines, int(i), int(counts[i]), width) for i in np.flatnonzero(counts != width)]
    ordered = tuple(sorted([*lines.rejects, *rejects], key=lambda r: (r.position, r.sub)))
    kept = picked(lines, fits, ordered)
    table = pa.table(columns, names=list(names))
    return Records(kept.raw, kept.position, kept.sub, kept.end, None, table, kept.rejects)


def split(text: pa.LargeStringArray, delimiter: str, quote: str | None) -> pa.LargeListArray:
    """Split each text at the delimiter; with a quote character, as CSV does, but never over several lines."""
    if quote and pc.any(pc.match_substring(text, quote)).as_py():
        rows = csv.reader(text.to_pylist(), delimiter=delimiter, quotechar=quote)
        return pa.array(list(rows), pa.large_list(pa.large_string()))
    return pc.split_pattern(text, delimiter)


def nulled(column: pa.LargeStringArray, null: str) -> pa.LargeStringArray:
    """Put null where the text is exactly `null`."""
    return pc.if_else(pc.equal(column, null), pa.scalar(None, pa.large_string()), column)


def _reject(lines: Records, i: int, count: int, width: int) -> Reject:
    reason = f"{count} fields where {width} are named"
    return Reject(lines.position[i].as_py(), lines.sub[i].as_py(), lines.raw[i].as_py().encode(), reason)
