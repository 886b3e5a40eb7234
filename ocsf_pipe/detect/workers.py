"""Many rules over many Parquet files, in processes that are started anew: DuckDB and polars do not survive a fork."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.detect.asks import Question
from ocsf_pipe.detect.reading import Found
from ocsf_pipe.detect.scan import Scan, settled
from ocsf_pipe.detect.ways import asked, together
from ocsf_pipe.ops.sql_text import text_literal


@dataclass(frozen=True, slots=True)
class Share:
    """What one process does: questions over some of a table's files, with so many threads."""

    questions: tuple[Question, ...]
    files: tuple[str, ...]
    extra: tuple[str, ...] = ()
    threads: int = 1

    def run(self) -> Found:
        """What the questions find in these files."""
        connection = duckdb.connect()
        connection.execute(f"set threads = {self.threads}")
        return asked(connection, self.questions, _relation(self.files), self.extra)


def fires_in(scan: Scan, files: Sequence[str], workers: int, extra: Sequence[str] = ()) -> pa.Table:
    """The fires of all files, which have the same columns; each process takes its share of the files in turn.

    See `scan.fires`.
    """
    questions = tuple(scan.questions())
    shares = [Share(questions, tuple(files[i::workers]), tuple(extra)) for i in range(min(workers, len(files)))]
    if len(shares) < 2:
        found = [share.run() for share in shares]
    else:
        with ProcessPoolExecutor(len(shares), mp_context=multiprocessing.get_context("spawn")) as pool:
            found = list(pool.map(Share.run, shares))
    return settled(duckdb.connect(), scan, _relation(files), together(_apart(found), len(extra)), extra)


def _apart(found: Sequence[Found]) -> list[Found]:
    """The same with rows of one number in each share told apart."""
    return [replace(one, sure=_moved(one.sure, share << 40)) for share, one in enumerate(found)]


def _moved(rows: pa.Table, by: int) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index("row"), "row", pc.add(rows["row"], by))


def _relation(files: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(map(text_literal, files))}])"
