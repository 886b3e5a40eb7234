"""DuckDB SQL text for types and literals, and back: what the SQL forms of the ops are written with."""

from __future__ import annotations

import re
from typing import Any

from ocsf_pipe.ops.types import Type

_LITERAL_PIECE = re.compile(r"'((?:[^']|'')*)'|chr\(0\)")
_SCALARS = {
    "text": "VARCHAR",
    "ip": "VARCHAR",
    "json": "VARCHAR",
    "null": "VARCHAR",
    "integer": "BIGINT",
    "timestamp": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
}


def sql_type(kind: Type) -> str:
    """The DuckDB type that holds values of `kind`; raises KeyError for `any`, which no value has."""
    if kind.kind == "list":
        return f"{sql_type(kind.item or Type('null'))}[]"
    if kind.kind == "object":
        return "STRUCT(" + ", ".join(f"{name_text(name)} {sql_type(of)}" for name, of in kind.fields) + ")"
    return _SCALARS[kind.kind]


def cast_null(kind: Type) -> str:
    """The null of one type."""
    return "null" if kind.kind in ("any", "null") else f"cast(null as {sql_type(kind)})"


def text_literal(value: str) -> str:
    """A text as a SQL literal; NUL, which no literal can hold, is put in by `chr(0)`."""
    pieces = ["'" + piece.replace("'", "''") + "'" for piece in value.split("\0")]
    return pieces[0] if len(pieces) == 1 else "(" + " || chr(0) || ".join(pieces) + ")"


def name_text(name: str) -> str:
    """A column or field name, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any, kind: Type) -> str:
    """A Python value as a typed SQL constant."""
    if value is None:
        return cast_null(kind)
    if kind.kind == "list":
        item = kind.item or Type("null")
        return f"cast([{', '.join(literal(v, item) for v in value)}] as {sql_type(kind)})"
    if kind.kind == "object":
        return "{" + ", ".join(f"{name_text(k)}: {literal(value[k], of)}" for k, of in kind.fields) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return text_literal(value)
    return f"cast('{value}' as {sql_type(kind)})"


def constant_text(sql: str) -> str:
    """The text that a literal written by `text_literal` holds; for ops that compute with a constant beforehand."""
    pieces = _LITERAL_PIECE.finditer(sql)
    return "".join("\0" if piece[1] is None else piece[1].replace("''", "'") for piece in pieces)


def constant_integer(sql: str) -> int:
    """The integer that a literal holds: `3`, `-3` or `cast('3' as BIGINT)`; raises ValueError for anything else."""
    return int(sql.strip().removeprefix("cast('").removesuffix("' as BIGINT)").replace("(", "").replace(")", ""))
