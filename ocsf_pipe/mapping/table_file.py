"""A table beside the mapping file: `{case: E, table: owners.csv, key: host, value: owner}` looks a value up in it.

The table belongs to the mapping: it is read when that is compiled, and read anew with it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import yaml

from ocsf_pipe.errors import Span, did_you_mean
from ocsf_pipe.mapping.reader import Reader
from ocsf_pipe.mapping.syntax import ConstantSide, Side

MOST_ROWS = 2_000
Arms = list[tuple[str, Span, Side]]


def rows_of(reader: Reader, node: yaml.Node, found: Mapping[str, yaml.Node]) -> Arms:
    """Return the rows of the table as arms of a `case`; what is wrong with it is told at `table`, `key` and `value`."""
    reader.missing(found, ("key", "value"), "`case` with a table", node)
    if "of" in found:
        reader.complain("M104", "`of` and `table` exclude each other", reader.span(found["of"]), "keep one of them")
    rows = _read(reader, found["table"])
    columns = [_column(reader, found[word], rows) for word in ("key", "value") if word in found]
    if rows is None or len(columns) != 2 or None in columns:
        return []
    key, value = columns
    span = reader.span(found["table"])
    arms: Arms = []
    seen: dict[str, str] = {}
    for row in rows:
        name, said = row[str(key)] or "", row[str(value)] or ""
        if seen.setdefault(name, said) != said:
            reader.complain("M105", f"`{name}` is in the table twice, with `{seen[name]}` and `{said}`", span,
                            "keep one row a key")  # fmt: skip
            return []
        arms.append((name, span, ConstantSide(said, span)))
    return list({arm[0]: arm for arm in arms if arm[0]}.values())


def _column(reader: Reader, node: yaml.Node, rows: list[dict[str, str | None]] | None) -> str | None:
    name = reader.text(node, "a column of the table")
    if rows and name not in rows[0]:
        hint = did_you_mean(str(name), list(rows[0])) or f"there are: {', '.join(rows[0])}"
        reader.complain("M502", f"the table has no column `{name}`", reader.span(node), hint)
        return None
    return name


def _read(reader: Reader, node: yaml.Node) -> list[dict[str, str | None]] | None:
    """The rows by column name; None, with a complaint, where there is no such table."""
    name, span = reader.text(node, "`table`"), reader.span(node)
    if Path(name).name != name or not name.endswith(".csv"):
        reader.complain("M502", f"`{name}` is not a CSV file beside the mapping", span, "name a file, without a folder")
        return None
    try:
        with (Path(reader.file).parent / name).open(encoding="utf-8-sig", newline="") as file:
            rows = [dict(row) for _, row in zip(range(MOST_ROWS + 1), csv.DictReader(file, restval=None), strict=False)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reader.complain("M502", f"the table `{name}` cannot be read: {why}", span, "put it beside the mapping file")
        return None
    if not rows:
        reader.complain("M502", f"the table `{name}` has no rows", span, "write a header and a row a key")
        return None
    if len(rows) > MOST_ROWS:
        reader.complain("M107", f"the table `{name}` has more than {MOST_ROWS} rows", span, "look it up in a query")
        return None
    return rows
