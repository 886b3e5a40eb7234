"""What one process of several does; it imports nothing that knows rules or mappings, so that it is there at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from ocsf_pipe.detect.reading import Found, Reading
from ocsf_pipe.detect.ways import together
from ocsf_pipe.ops.sql_text import text_literal


@dataclass(frozen=True, slots=True)
class Share:
    """Readings of some of a table's files, with so many threads."""

    readings: Sequence[Reading]
    files: tuple[str, ...]
    threads: int = 1

    def run(self) -> Found:
        """What the readings find in these files."""
        connection = duckdb.connect()
        connection.execute(f"set threads = {self.threads}")
        connection.execute("set arrow_output_version = '1.4'")  # texts that polars and pyarrow take without a copy
        connection.execute("set produce_arrow_string_view = true")
        relation = relation_of(self.files)
        extra = len(self.readings[0].extra) if self.readings else 0
        return together([one.run(connection, relation) for one in self.readings], extra)


def ready() -> bool:
    """Say that the process is there."""
    return True


def relation_of(files: Sequence[str]) -> str:
    """The SQL of the rows of Parquet files."""
    return f"read_parquet([{', '.join(map(text_literal, files))}])"
