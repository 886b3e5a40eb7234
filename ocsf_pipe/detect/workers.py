"""Many rules over many Parquet files, in processes that are started anew: DuckDB and polars do not survive a fork."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from ocsf_pipe.detect.scan import Scan, fires
from ocsf_pipe.ops.sql_text import text_literal


@dataclass(frozen=True, slots=True)
class Share:
    """What one process does: a scan over some of a table's files, with so many threads."""

    scan: Scan
    files: tuple[str, ...]
    extra: tuple[str, ...] = ()
    threads: int = 1

    def run(self) -> pa.Table:
        """The fires of these files, see `scan.fires`."""
        connection = duckdb.connect()
        connection.execute(f"set threads = {self.threads}")
        names = ", ".join(map(text_literal, self.files))
        return fires(connection, self.scan, f"read_parquet([{names}])", self.extra)


def fires_in(scan: Scan, files: Sequence[str], workers: int, extra: Sequence[str] = ()) -> pa.Table:
    """The fires of all files, which have the same columns; each process takes its share of the files in turn."""
    shares = [Share(scan, tuple(files[i::workers]), tuple(extra)) for i in range(min(workers, len(files)))]
    if len(shares) < 2:
        return shares[0].run() if shares else pa.table({})
    with ProcessPoolExecutor(len(shares), mp_context=multiprocessing.get_context("spawn")) as pool:
        return pa.concat_tables(pool.map(Share.run, shares), promote_options="permissive")
