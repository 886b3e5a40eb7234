"""What does DuckDB's own load of the file cost, without any mapping?

`python -m benchmarks.duckdb_copy FILE OUT [--threads 1]` runs COPY (SELECT * FROM read_json(FILE)) TO OUT as Parquet.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

PROGRAM = "benchmarks.duckdb_copy"


def command(source: Path, out: Path, threads: int | None) -> Sequence[str]:
    """Return the command that copies `source` to `out` with so many threads; None: DuckDB's choice."""
    return [sys.executable, "-m", PROGRAM, str(source), str(out), *(["--threads", str(threads)] if threads else [])]


def _main() -> None:
    import duckdb

    parser = argparse.ArgumentParser(description="Copy NDJSON to Parquet with DuckDB alone.")
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int)
    wanted = parser.parse_args()
    connection = duckdb.connect(config={"threads": wanted.threads} if wanted.threads else {})
    source, out = (str(path).replace("'", "''") for path in (wanted.source, wanted.out))
    connection.execute(f"copy (select * from read_json('{source}')) to '{out}' (format parquet)")


if __name__ == "__main__":
    _main()
