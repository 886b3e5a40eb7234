"""The columns that a table has, and the SQL of what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from ocsf_pipe.errors import OcsfPipeError, SchemaError
from ocsf_pipe.ops import OPS
from ocsf_pipe.ops.conversion import convert_sql
from ocsf_pipe.ops.sql_text import cast_null, literal, name_text, text_literal
from ocsf_pipe.ops.types import TEXT, Type
from ocsf_pipe.plan.nodes import Attr, Call, Case, Const, Convert, Each, Get, Lookup, Node, Path, Var
from ocsf_pipe.schema import Schema

_OURS = frozenset({("source",), ("event_day",)})
"""The columns that a lake adds to those of OCSF."""


class UnknownPath(OcsfPipeError):  # noqa: N818 - it names what is wrong
    """An expression reads an attribute that the class does not have."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The attributes that the rows of one table can have; `paths` is None where that is not asked.

    What the class has and no batch has set yet is null.
    """

    class_name: str
    paths: Mapping[Path, str] | None = None
    schema: Schema | None = None

    def sql(self, path: Path, kind: Type) -> str:
        """The SQL of one attribute; raises UnknownPath where the class has no such attribute."""
        if self.schema is not None and path not in _OURS and not _is_attribute(self.schema, self.class_name, path):
            raise UnknownPath(f"`{'.'.join(path)}` is no attribute of {self.class_name}")
        if self.paths is not None and path not in self.paths:
            return cast_null(kind)
        return ".".join(name_text(part) for part in path)


@lru_cache(maxsize=1 << 14)
def _is_attribute(schema: Schema, class_name: str, path: Path) -> bool:
    try:
        schema.attribute(class_name, ".".join(path))
    except SchemaError:
        return False
    return True


def paths_of(schema: pa.Schema) -> dict[Path, str]:
    """The dotted paths of a table's columns, through structs and the elements of lists."""
    found: dict[Path, str] = {}

    def walk(field: pa.Field, above: Path) -> None:
        path = (*above, field.name)
        found[path] = str(field.type) if not pa.types.is_struct(field.type) else "struct"
        kind = field.type
        while pa.types.is_list(kind) or pa.types.is_large_list(kind):
            kind = kind.value_type
        if pa.types.is_struct(kind):
            for inner in kind:
                walk(inner, path)

    for field in schema:
        walk(field, ())
    return found


def node_sql(node: Node, columns: Columns) -> str:
    """The SQL of an expression over attributes."""
    match node:
        case Const(value=value, type=kind):
            return literal(value, kind)
        case Attr(path=path, type=kind):
            return columns.sql(path, kind)
        case Var(name=name):
            return name_text(name)
        case Get(of=of, name=name):
            if columns.paths is not None and (path := _path_of(node)) and path not in columns.paths:
                return cast_null(node.type)  # no batch has set this part of the elements yet
            return f"struct_extract({node_sql(of, columns)}, {text_literal(name)})"
        case Call(op=op, args=args):
            return OPS[op].to_sql([node_sql(arg, columns) for arg in args], [arg.type for arg in args])
        case Convert(value=value, to=scalar):
            return convert_sql(node_sql(value, columns), value.type, scalar)
        case Case(arms=arms, otherwise=otherwise):
            whens = " ".join(f"when {node_sql(c, columns)} then {node_sql(v, columns)}" for c, v in arms)
            last = "" if otherwise is None else f" else {node_sql(otherwise, columns)}"
            return f"(case {whens}{last} end)"
        case Lookup(subject=subject, table=table, otherwise=otherwise):
            whens = " ".join(f"when {literal(k, TEXT)} then {node_sql(v, columns)}" for k, v in table)
            last = "" if otherwise is None else f" else {node_sql(otherwise, columns)}"
            return f"(case {node_sql(subject, columns)} {whens}{last} end)"
        case Each(items=items, name=name, value=value):
            return f"list_transform({node_sql(items, columns)}, lambda {name_text(name)}: {node_sql(value, columns)})"
        case _:
            raise TypeError(f"no SQL for {type(node).__name__}")


def _path_of(node: Node) -> Path:
    """The attribute that a part of the first element of a list belongs to, with the part; nothing for other parts."""
    match node:
        case Attr(path=path):
            return path
        case Call(op="list_first", args=(of,)):
            return _path_of(of)
        case Get(of=of, name=name):
            above = _path_of(of)
            return (*above, name) if above else ()
        case _:
            return ()


def text_sql(node: Node, columns: Columns) -> str:
    """The SQL of an expression as text: numbers in decimal digits, a boolean as `true` or `false`."""
    text = node_sql(node, columns)
    return text if node.type.kind in {"text", "ip", "json", "null"} else f"cast({text} as varchar)"


def attributes(node: Node) -> list[Attr]:
    """Every attribute that an expression reads."""
    from ocsf_pipe.plan.passes.consumed import children

    found, pending = [], [node]
    while pending:
        one = pending.pop()
        if isinstance(one, Attr):
            found.append(one)
        pending.extend(children(one))
    return found
