"""Nodes → DuckDB SQL text.

`r` is the decoded record, `j` its JSON text, `clock`, `raw`, `uid` columns of the same row. Values of lets, locals,
`for_each` elements and attributes are columns too, named by `column`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from ocsf_pipe.ops import OPS
from ocsf_pipe.ops.conversion import convert_sql
from ocsf_pipe.ops.sql_text import cast_null, literal, name_text, text_literal
from ocsf_pipe.plan.nodes import (
    Attr,
    Call,
    Case,
    Const,
    Convert,
    Each,
    Frame,
    Get,
    LetRef,
    Lookup,
    MakeList,
    MakeObject,
    Needs,
    Node,
    Path,
    Read,
    Shape,
    Var,
)

FRAMES = {
    "raw": "raw",
    "raw_size": "strlen(raw)",
    "uid": "md5(concat(origin, ':', position, '.', sub, ':', raw))",
    "clock": "clock",
    "unmapped": '"unmapped"',
    "element": "cast(n as varchar)",
}


_SHORT = 400
"""Characters of SQL up to which an object's values may stand in its condition and in its body."""


def column(kind: str, name: str) -> str:
    """The column that carries a named value: `let:x`, `el:$el0`, `a:user.name`."""
    return name_text(f"{kind}:{name}")


def attribute_column(path: Path) -> str:
    """The column of an attribute."""
    return column("a", ".".join(path))


def structure(shape: Shape) -> str:
    """The structure text that `from_json` decodes a record by; scalars are decoded as text."""
    return json.dumps(structure_of(shape))


def structure_of(shape: Shape) -> object:
    """The structure of a value as `from_json` has it, before it is written as text."""
    if shape.kind == "object":
        return {name: structure_of(inner) for name, inner in decoded_fields(shape)} or {"\u0000": "VARCHAR"}
    if shape.kind == "list":
        return [structure_of(shape.item or Shape("text"))]
    return "JSON" if shape.kind == "json" else "VARCHAR"


def decoded_fields(shape: Shape) -> list[tuple[str, Shape]]:
    """The fields that one structure can hold: DuckDB's field names differ by more than case."""
    found: dict[str, tuple[str, Shape]] = {}
    for name, inner in shape.fields:
        found.setdefault(name.lower(), (name, inner))
    return list(found.values())


def json_text(value: str) -> str:
    """Decoded JSON as text, so that no text beside it is taken for JSON; a JSON null is null."""
    return f"nullif(cast({value} as varchar), 'null')"


def json_path(steps: tuple[str | int, ...]) -> str:
    """The JSON path of keys, quoted."""
    return "$" + "".join(f'."{step}"' for step in steps)


@dataclass(frozen=True, slots=True)
class Emitter:
    """Writes nodes as SQL for records decoded by `shape`; `columnar` records have text columns and no `j` to cut."""

    shape: Shape
    columnar: bool = False
    known: tuple[Node, str] | None = None

    def sql(self, node: Node) -> str:
        """The SQL text of any node; of the `known` one, the column that holds it already."""
        if self.known is not None and node == self.known[0]:
            return self.known[1]
        match node:
            case Const(value=value, type=kind):
                return literal(value, kind)
            case Read():
                return self.read(node)
            case Var(name=name):
                return column("el", name) if name.startswith("$el") else name_text(name)
            case LetRef(name=name):
                return column("let", name)
            case Attr(path=path):
                return attribute_column(path)
            case Frame(what=what):
                return FRAMES[what]
            case Get(of=of, name=name, type=kind):
                part = f"struct_extract({self.sql(of)}, {text_literal(name)})"
                return json_text(part) if kind.kind == "json" else part
            case Call(op=op, args=args):
                return OPS[op].to_sql([self.sql(arg) for arg in args], [arg.type for arg in args])
            case Convert(value=value, to=scalar):
                return convert_sql(self.sql(value), value.type, scalar)
            case _:
                return self.composed(node)

    def composed(self, node: Node) -> str:
        """Choices, objects and lists."""
        match node:
            case Case(arms=arms, otherwise=otherwise):
                whens = " ".join(f"when {self.sql(c)} then {self.sql(v)}" for c, v in arms)
                return f"(case {whens}{self.otherwise(otherwise)} end)"
            case Lookup():
                return self.lookup(node)
            case MakeObject():
                return self.object(node)
            case MakeList(items=items):
                inner = ", ".join(self.sql(item) for item in items)
                return f"nullif(list_filter([{inner}], lambda y: y is not null), [])"
            case Each():
                return self.each(node)
            case _:
                raise TypeError(f"no SQL for {type(node).__name__}")

    def read(self, node: Read) -> str:
        """A path of the record, decoded once for the whole row."""
        shape = self.shape
        path = "r"
        if self.columnar and len(node.steps) > 1:  # a column is text, and text has no parts
            return cast_null(node.type)
        for step in node.steps:
            below = dict(decoded_fields(shape)).get(str(step))
            if below is None:
                return self.cut(node, decoded=False)
            shape = below
            path += "." + name_text(str(step))
        if node.type.kind in {"json", "text"} and shape.kind not in {node.type.kind, "text" if self.columnar else ""}:
            return self.cut(node)
        if node.type.kind == "list" and shape.kind == "text":
            inner = structure_of(shape.item or Shape("text"))
            return f"try(from_json({path}, {text_literal(json.dumps([inner]))}))"
        return json_text(path) if shape.kind == "json" and not self.columnar else path

    def cut(self, node: Read, decoded: bool = True) -> str:  # noqa: FBT001, FBT002 - of one caller
        """A part of the record that is cut out of its text; a JSON null is null.

        Keys that differ from a decoded one by case alone are not decoded; `odd` says whether a record has any.
        """
        if self.columnar:
            return cast_null(node.type)
        path = text_literal(json_path(node.steps))
        found = f"nullif(json_extract(j, {path})::varchar, 'null')"
        if node.type.kind != "json":
            found = f"from_json(json_extract(j, {path}), '\"VARCHAR\"')"
        return found if decoded else f"(case when odd then {found} end)"

    def otherwise(self, node: Node | None) -> str:
        """The last arm of a choice, where there is one."""
        return "" if node is None else f" else {self.sql(node)}"

    def lookup(self, node: Lookup) -> str:
        """A choice by equality; a boolean is chosen by, not compared."""
        subject = self.sql(node.subject)
        if not node.table:
            return self.sql(node.otherwise) if node.otherwise is not None else cast_null(node.type)
        if node.subject.type.kind == "boolean":
            tests = {"true": subject, "false": f"not {subject}"}
            whens = " ".join(f"when {tests[str(key)]} then {self.sql(value)}" for key, value in node.table)
            return f"(case {whens}{self.otherwise(node.otherwise)} end)"
        kind = node.subject.type
        keys = [literal(key, kind) if isinstance(key, int) else text_literal(key) for key, _ in node.table]
        values = [self.sql(value) for _, value in node.table]
        whens = " ".join(f"when {key} then {value}" for key, value in zip(keys, values, strict=True))
        return f"(case {subject} {whens}{self.otherwise(node.otherwise)} end)"

    def object(self, node: MakeObject) -> str:
        """An object of a list; null where nothing is in it or something it needs is not."""
        fields = {name: self.sql(value) for name, value in node.fields}
        body = "{" + ", ".join(f"{text_literal(name)}: {value}" for name, value in fields.items()) + "}"
        long = len(body) > _SHORT
        there = {
            name: f"struct_extract(s, {text_literal(name)}) is not null" if long else f"({value}) is not null"
            for name, value in fields.items()
        }
        tests = needs_sql(node.needs, there)
        if not node.needs.required:
            tests = [" or ".join(there.values()), *tests]
        holds = " and ".join(f"({test})" for test in tests)
        if long:  # what is long is not written, and computed, twice
            return f"list_extract(list_filter([{body}], lambda s: {holds}), 1)"
        return f"(case when {holds} then {body} end)"

    def each(self, node: Each) -> str:
        """A loop: conditions inside the transform, so that the position is that of the source list."""
        items, name = self.sql(node.items), name_text(node.name)
        value = self.sql(node.value)
        if value == name and node.where is not None and node.at is None:  # elements as they are: nothing is computed
            kept = f"list_filter({items}, lambda {name}: {self.sql(node.where)} and {name} is not null)"
            return f"({kept}[1])" if node.first else f"nullif({kept}, [])"
        if node.where is not None:
            value = f"case when {self.sql(node.where)} then {value} end"
        names = name if node.at is None else f"{name}, {name_text(node.at)}"
        mapped = items if value == name else f"list_transform({items}, lambda {names}: {value})"
        kept = f"list_filter({mapped}, lambda y: y is not null)"
        return f"({kept}[1])" if node.first else f"nullif({kept}, [])"


def odd_keys(shape: Shape) -> list[str]:
    """The keys that are read and yet not decoded, at any depth."""
    kept = dict(decoded_fields(shape))
    keys = [name for name, _ in shape.fields if name not in kept]
    for inner in kept.values():
        keys += odd_keys(inner)
    return keys


def needs_sql(needs: Needs, there: dict[str, str]) -> list[str]:
    """The conditions that `needs` puts on parts, given the test of each that exists; false for one that never is."""
    tests = [there.get(name, "false") for name in needs.required]
    if needs.any_of:
        tests.append(" or ".join([there[name] for name in needs.any_of if name in there] or ["false"]))
    if needs.just_one:
        ones = [f"cast({there[name]} as integer)" for name in needs.just_one if name in there] or ["0"]
        tests.append(f"{' + '.join(ones)} = 1")
    return tests
