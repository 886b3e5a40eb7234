"""A snapshot of the lake for readers: DuckDB with a view per table, and Polars."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from ocsf_pipe.errors import LakeError, did_you_mean
from ocsf_pipe.lake.write import table_schema

# Statements that look at the catalogue name no table, so they are given all of them.
_CATALOGUE = re.compile(
    r"\b(show|information_schema|describe|summarize|duckdb_\w+|sqlite_master|pg_catalog)\b", re.IGNORECASE
)
_READING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
_LEAST = 8 << 20
"""Bytes of files that are worth a part of their own."""
_READ = "from read_parquet([{files}], hive_partitioning = true, hive_types = {{'event_day': date}})"


def connect(
    where: str, tables: Sequence[str], parts: Mapping[str, Sequence[str]] | None = None
) -> duckdb.DuckDBPyConnection:
    """Return a connection that reads these tables of a local lake as views, and neither other files nor the network.

    `parts` are files of tables: each is a view `_new_TABLE` with all columns of the table.
    """
    if "://" in where:
        raise LakeError(f"`{where}` cannot be queried with SQL yet", hint="use `scan`, which reads object stores")
    connection = duckdb.connect(":memory:")
    for table in tables:
        _view(connection, where, table)
    for table, paths in (parts or {}).items():
        _part(connection, where, table, paths)
    connection.execute(f"set allowed_directories = [{_text(where.rstrip('/') + '/')}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def query(where: str, tables: Sequence[str], text: str, params: object = None) -> pa.Table:
    """Return what one reading statement gives; LakeError for one that writes, and for a table that is not there."""
    wanted = tables if _CATALOGUE.search(text) else [name for name in tables if name in text.lower()]
    connection = connect(where, wanted)
    try:
        refuse_writing(connection, text)
        return pa.table(connection.sql(text, params=params).to_arrow_table())
    except duckdb.CatalogException as failed:
        raise _unknown(failed, tables) from failed
    except duckdb.Error as failed:
        raise LakeError(_first_line(failed)) from failed
    finally:
        connection.close()


def refuse_writing(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Raise LakeError unless the text is one statement that only reads."""
    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise LakeError(f"there are {len(statements)} statements where one is asked for", hint="give one select")
    kind = statements[0].type
    if kind not in _READING:
        raise LakeError(f"a query only reads, this is `{kind.name.lower()}`", hint="give one select")


def scan(where: str, table: str) -> Any:
    """Return the table as a polars LazyFrame."""
    import polars as pl

    return pl.scan_delta(f"{where}/{table}")


def split(where: str, name: str, most: int) -> tuple[str, list[str]]:
    """Return SQL of all rows of a table of a local lake, and of up to `most` parts of them of about one size.

    Each goes behind `from`, has all columns of the table, and any connection can run it.
    """
    files = pa.table(DeltaTable(f"{where}/{name}").get_add_actions()).select(["path", "size_bytes"]).to_pylist()
    if not files:
        return f'"{name}"', []
    paths = [str(file["path"]) for file in files]
    whole = f"({_files(where, name, paths)})"
    count = max(1, min(most, sum(file["size_bytes"] for file in files) // _LEAST))
    parts: list[list[str]] = [[] for _ in range(count)]
    sizes = [0] * count
    for file in sorted(files, key=lambda one: (-one["size_bytes"], one["path"])):
        smallest = sizes.index(min(sizes))
        parts[smallest].append(str(file["path"]))
        sizes[smallest] += file["size_bytes"]
    columns = f"select * from ({_files(where, name, _one_of_each(paths))}) where false"
    return whole, [f"({columns} union all by name {_files(where, name, part)})" for part in parts if part]


def _view(connection: duckdb.DuckDBPyConnection, where: str, name: str) -> None:
    table = DeltaTable(f"{where}/{name}")
    paths = pa.table(table.get_add_actions())["path"].to_pylist()
    if not paths:
        connection.register(name, table_schema(table).empty_table())
        return
    connection.execute(f'create view "{name}" as {_files(where, name, paths)}')


def _part(connection: duckdb.DuckDBPyConnection, where: str, name: str, paths: Sequence[str]) -> None:
    nothing = f'select * from "{name}" where false'
    parts = f" union all by name {_files(where, name, paths)}" if paths else ""
    connection.execute(f'create view "_new_{name}" as {nothing}{parts}')


def _files(where: str, name: str, paths: Sequence[str]) -> str:
    """The statement that reads files of a table."""
    # Files whose names carry one digest have the same columns, so DuckDB opens one of each kind and not all. One
    # read_parquet with union_by_name over all of them fails in DuckDB 2.0 on a struct field that a file lacks.
    kinds = ([_text(f"{where}/{name}/{path}") for path in some] for some in _kinds(paths).values())
    return " union all by name ".join(_READ.format(files=", ".join(files)) for files in kinds)


def _kinds(paths: Sequence[str]) -> dict[str, list[str]]:
    """Files by their columns."""
    kinds: dict[str, list[str]] = {}
    for path in sorted(paths):
        kinds.setdefault(path.rsplit("/", 1)[-1].split("-")[0], []).append(path)
    return kinds


def _one_of_each(paths: Sequence[str]) -> list[str]:
    return [some[0] for some in _kinds(paths).values()]


def _unknown(failed: duckdb.Error, tables: Sequence[str]) -> LakeError:
    found = re.search(r"Table with name (\S+) does not exist", str(failed))
    if found is None:
        return LakeError(_first_line(failed))
    near = did_you_mean(found[1], tables)
    return LakeError(f"there is no table `{found[1]}`", hint=near or f"there are: {', '.join(tables) or 'none yet'}")


def _first_line(failed: duckdb.Error) -> str:
    return str(failed).split("\n\n", maxsplit=1)[0]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
