"""How results are printed: boxes for eyes on a terminal, plain columns, JSON or CSV for a pipe."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_WIDEST = 120
_ROWS_AT_ONCE = 10_000


class Format(StrEnum):
    """The forms that a result can be printed in."""

    table = "table"
    json = "json"
    ndjson = "ndjson"
    csv = "csv"
    arrow = "arrow"


def print_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows below their names: a rich table on a terminal, else columns of plain text that nothing cuts."""
    cells = [[cell(value) for value in row] for row in rows]
    numeric = [_numeric([row[i] for row in cells]) for i in range(len(names))]
    if sys.stdout.isatty():
        _rich(names, cells, numeric)
    else:
        _plain(names, cells, numeric)


def print_arrow(table: pa.Table, form: Format) -> None:
    """Print an Arrow table; `table` cuts long cells on a terminal, every other form is complete."""
    if form is Format.arrow:
        _ipc(table)
    elif form is Format.table:
        print_table(table.column_names, _rows(table))
        sys.stderr.write(f"{table.num_rows} row{'' if table.num_rows == 1 else 's'}\n")
    elif form is Format.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(table.column_names)
        writer.writerows([cell(value) for value in row] for row in _rows(table))
    else:
        print_json((dict(zip(table.column_names, row, strict=True)) for row in _rows(table)), form)


def print_json(objects: Iterable[Any], form: Format = Format.ndjson) -> None:
    """Print objects as JSON: one a line, or as one list."""
    if form is Format.json:
        sys.stdout.write(json.dumps([plain(one) for one in objects], ensure_ascii=False, indent=2) + "\n")
        return
    for one in objects:
        sys.stdout.write(json.dumps(plain(one), ensure_ascii=False) + "\n")


def cell(value: Any) -> str:
    """Return a value as the text of one cell: nothing for null, JSON for lists and objects."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Return a value as JSON has it: times as ISO 8601, bytes as Base64, whole decimals as integers, NaN as null."""
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if value is None or isinstance(value, str | int) else str(value)


def _rows(table: pa.Table) -> Iterator[Sequence[Any]]:
    for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _numeric(cells: Sequence[str]) -> bool:
    return any(cells) and all(not text or text.lstrip("-").replace(".", "", 1).isdigit() for text in cells)


def _plain(names: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> None:
    lines = [list(names), *([_one_line(text) for text in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    for line in lines:
        parts = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        )
        sys.stdout.write("  ".join(parts).rstrip() + "\n")


def _rich(names: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> None:
    from rich.box import ROUNDED
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=ROUNDED, header_style="bold")
    for name, right in zip(names, numeric, strict=True):
        table.add_column(Text(name), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cut(text)) for text in row))
    Console().print(table)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…"


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _ipc(table: pa.Table) -> None:
    import pyarrow as pa

    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
        writer.write_table(table)
