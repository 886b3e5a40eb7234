"""Many rules over many Parquet files, in processes that are started anew: DuckDB and polars do not survive a fork."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.detect.reading import Found, Reading
from ocsf_pipe.detect.scan import Scan, settled
from ocsf_pipe.detect.shares import Share, ready, relation_of
from ocsf_pipe.detect.ways import chosen, together


def fires_in(scan: Scan, files: Sequence[str], workers: int, extra: Sequence[str] = ()) -> pa.Table:
    """The fires of all files, which have the same columns; each process takes its share of the files in turn.

    See `scan.fires`.
    """
    shares = [tuple(files[i::workers]) for i in range(min(workers, len(files)))]
    relation, connection = relation_of(files), duckdb.connect()
    connection.execute(f"set threads = {max(workers, 1)}")

    def readings() -> list[Reading]:
        return chosen(connection, scan.questions(), relation, extra)

    found = _shared(readings, shares) if len(shares) > 1 else [Share(readings(), some).run() for some in shares]
    return settled(connection, scan, relation, together(_apart(found), len(extra)), extra)


def _shared(readings: Callable[[], list[Reading]], shares: Sequence[tuple[str, ...]]) -> list[Found]:
    """What each share gives; the first is this process's own."""
    with ProcessPoolExecutor(len(shares) - 1, mp_context=multiprocessing.get_context("spawn")) as pool:
        # they start while this process works out what they are to read
        for _ in shares[1:]:
            pool.submit(ready)
        read = readings()
        others = [pool.submit(Share(read, some).run) for some in shares[1:]]
        return [Share(read, shares[0]).run(), *(other.result() for other in others)]


def _apart(found: Sequence[Found]) -> list[Found]:
    """The same with rows of one number in each share told apart."""
    return [replace(one, sure=_moved(one.sure, share << 40)) for share, one in enumerate(found)]


def _moved(rows: pa.Table, by: int) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index("row"), "row", pc.add(rows["row"], by))
