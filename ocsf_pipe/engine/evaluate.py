"""Nodes, evaluated one record at a time in plain Python: what the SQL of `sql.py` has to agree with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ocsf_pipe.decode import json_text
from ocsf_pipe.engine.once import once_for_each
from ocsf_pipe.engine.sql import decoded_fields
from ocsf_pipe.ops import OPS
from ocsf_pipe.ops.conversion import convert
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

Value = Any
"""None, str, int, float, bool, a list of values or a dict of values."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a node can see: the record, its lets (computed when first asked for), variables, attributes, its frame."""

    whole: Value
    decoded: Value
    shape: Shape
    columnar: bool
    lets: Mapping[str, Node]
    frame: Mapping[str, Value]
    variables: Mapping[str, Value] = field(default_factory=dict)
    attributes: Mapping[Path, Value] = field(default_factory=dict)
    known: dict[str, Value] = field(default_factory=dict)


def decode(value: Value, shape: Shape) -> Value:
    """What of a JSON value the plan reads: scalars as text, what is not of the wanted kind as null.

    Anything but null where an object is wanted is an object without fields.
    """
    if value is None:
        return None
    if shape.kind == "object":
        parts = value if isinstance(value, dict) else {}
        return {name: decode(parts.get(name), inner) for name, inner in _fields(shape).items()}
    if shape.kind == "list":
        item = shape.item or Shape("text")
        return [decode(part, item) for part in value] if isinstance(value, list) else None
    return json_text.dumps(value) if shape.kind == "json" else json_text.scalar_text(value)


@once_for_each
def _fields(shape: Shape) -> dict[str, Shape]:
    """The decoded fields of a shape by name: every read of every record asks."""
    return dict(decoded_fields(shape))


def evaluate(node: Node, row: Row) -> Value:
    """The value of a node; never raises for a record."""
    match node:
        case Const(value=value):
            return value
        case Read():
            return _read(node, row)
        case Var(name=name):
            return row.variables.get(name)
        case LetRef(name=name):
            return _let(name, row)
        case Attr(path=path):
            return row.attributes.get(path)
        case Frame(what=what):
            return row.frame[what]
        case Get(of=of, name=name):
            inner = evaluate(of, row)
            return None if inner is None else inner.get(name)
        case Call(op=op, args=args):
            return OPS[op].call([evaluate(arg, row) for arg in args], [arg.type for arg in args])
        case Convert(value=value, to=scalar):
            return convert(evaluate(value, row), value.type, scalar)
        case _:
            return _composed(node, row)


def is_true(node: Node, row: Row) -> bool:
    """Whether a condition holds, which asks less than its value: what is false or null settles an `and`."""
    match node:
        case Call(op="and_", args=args):
            return all(is_true(arg, row) for arg in args)
        case Call(op="or_", args=args):
            return any(is_true(arg, row) for arg in args)
        case _:
            return evaluate(node, row) is True


def _composed(node: Node, row: Row) -> Value:
    match node:
        case Case(arms=arms, otherwise=otherwise):
            holding = (value for condition, value in arms if evaluate(condition, row) is True)
            chosen = next(holding, otherwise)
            return None if chosen is None else _widened(evaluate(chosen, row), node)
        case Lookup():
            return _lookup(node, row)
        case MakeObject(fields=fields, needs=needs):
            parts = {name: evaluate(value, row) for name, value in fields}
            there = {name: value is not None for name, value in parts.items()}
            return parts if any(there.values()) and holds(needs, there) else None
        case MakeList(items=items):
            found = [value for value in (evaluate(item, row) for item in items) if value is not None]
            return found or None
        case Each():
            return _each(node, row)
        case _:
            raise TypeError(f"no value for {type(node).__name__}")


def holds(needs: Needs, there: Mapping[str, bool]) -> bool:
    """Whether an object with these parts has what it needs."""
    if not all(there.get(name, False) for name in needs.required):
        return False
    if needs.any_of and not any(there.get(name, False) for name in needs.any_of):
        return False
    return not needs.just_one or sum(there.get(name, False) for name in needs.just_one) == 1


def _read(node: Read, row: Row) -> Value:
    value, shape = row.decoded, row.shape
    if row.columnar and len(node.steps) > 1:  # a column is text, and text has no parts
        return None
    for step in node.steps:
        below = _fields(shape).get(str(step))
        if below is None:
            return _cut(node, row)
        value, shape = None if value is None else value[str(step)], below
    if node.type.kind in {"json", "text"} and shape.kind not in {node.type.kind, "text" if row.columnar else ""}:
        return _cut(node, row)
    if node.type.kind == "list" and shape.kind == "text":
        return None if value is None else _parsed_list(value, shape)
    return value


def _parsed_list(text: str, shape: Shape) -> Value:
    try:
        return decode(json_text.parse(text), Shape("list", item=shape.item or Shape("text")))
    except ValueError:
        return None


def _cut(node: Read, row: Row) -> Value:
    if row.columnar:
        return None
    value = row.whole
    for step in node.steps:
        value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        return None
    return json_text.dumps(value) if node.type.kind == "json" else json_text.scalar_text(value)


def _let(name: str, row: Row) -> Value:
    if name not in row.known:
        row.known[name] = evaluate(row.lets[name], row)
    return row.known[name]


def _lookup(node: Lookup, row: Row) -> Value:
    subject = evaluate(node.subject, row)
    if isinstance(subject, bool):
        subject = "true" if subject else "false"
    for key, value in node.table:
        if subject is not None and key == subject:
            return _widened(evaluate(value, row), node)
    return None if node.otherwise is None else _widened(evaluate(node.otherwise, row), node)


def _widened(value: Value, node: Case | Lookup) -> Value:
    """An integer beside floats is one of them."""
    return float(value) if node.type.kind == "float" and isinstance(value, int) else value


def _each(node: Each, row: Row) -> Value:
    items = evaluate(node.items, row)
    if items is None:
        return None
    found = []
    for position, item in enumerate(items, 1):
        names = {**row.variables, node.name: item}
        if node.at is not None:
            names[node.at] = position
        inner = replace(row, variables=names)
        if node.where is None or evaluate(node.where, inner) is True:
            value = evaluate(node.value, inner)
            if value is not None:
                found.append(value)
    if node.first:
        return found[0] if found else None
    return found or None


Evaluate = Callable[[Node, Row], Value]
