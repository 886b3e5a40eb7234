"""A query that is planned once and run over many batches."""

from __future__ import annotations

import duckdb
import pyarrow as pa


class Feed:
    """What DuckDB reads a batch from: whichever table it holds when the statement runs."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self.table: pa.Table | None = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the table over by Arrow's C interface."""
        if self.table is None:
            raise RuntimeError("the statement is run without a batch")
        return self.table.__arrow_c_stream__(requested_schema)


class Statement:
    """One prepared query over `batch`; every batch must have the columns of the first.

    A prepared statement may not read a table whose contents change under its plan; an Arrow stream has no statistics
    that a plan could rely on.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str, text: str) -> None:
        """Name the statement; it is planned with its first batch."""
        self._connection = connection
        self._name = name
        self._text = text
        self._feed = Feed()
        self._planned = False

    def run(self, table: pa.Table) -> pa.Table:
        """The result of the query over one batch; raises duckdb.Error."""
        self._feed.table = table
        try:
            if not self._planned:
                self._connection.register(f"feed_{self._name}", self._feed)
                ladder = self._text.removeprefix("with ")
                batch = f"with batch as (select * from feed_{self._name}),\n"
                self._connection.execute(f"prepare {self._name} as {batch}{ladder}")
                self._planned = True
            return self._connection.sql(f"execute {self._name}").to_arrow_table()
        finally:
            self._feed.table = None
