"""Which source paths a rule consumes: those its values read, not those it only tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ocsf_pipe.plan.nodes import (
    Call,
    Case,
    Const,
    Convert,
    Each,
    Get,
    LetRef,
    Lookup,
    MakeList,
    MakeObject,
    Node,
    Path,
    Read,
)

_TESTS = frozenset({"is_null", "is_not_null"})


def consumed(values: Iterable[Node], named: Mapping[str, Node]) -> set[Path]:
    """The paths that leave `unmapped` when these values were set; lists stay, for they may hold more than was read."""
    found: set[Path] = set()
    for value in values:
        found |= reads(value, named)
    return found


def reads(value: Node, named: Mapping[str, Node] | None = None) -> set[Path]:
    """The scalar and JSON paths that one value reads, through lets where `named` has them."""
    found: set[Path] = set()
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, Read):
            if node.type.kind in {"text", "json"} and node.steps:
                found.add(tuple(str(step) for step in node.steps))
        elif isinstance(node, LetRef):
            if named is not None and node.name in named:
                pending.append(named[node.name])
        else:
            pending.extend(valued(node))
    return found


def valued(node: Node) -> Iterator[Node]:
    """The parts of a node whose value can become part of its value."""
    match node:
        case Call(op=op, args=args):
            if op not in _TESTS:
                yield from args
        case Case(arms=arms, otherwise=otherwise):
            yield from (value for _, value in arms)
            yield from () if otherwise is None else (otherwise,)
        case Lookup(subject=subject, table=table, otherwise=otherwise):
            yield subject
            yield from (value for _, value in table)
            yield from () if otherwise is None else (otherwise,)
        case Convert(value=value):
            yield value
        case MakeObject(fields=fields):
            yield from (value for _, value in fields)
        case MakeList(items=items):
            yield from items
        case Each(value=value):
            yield value
        case Get(of=of):
            yield of
        case Const():
            return
        case _:
            return


def children(node: Node) -> Iterator[Node]:
    """Every part of a node, conditions included."""
    match node:
        case Call(args=args):
            yield from args
        case Case(arms=arms, otherwise=otherwise):
            for condition, value in arms:
                yield condition
                yield value
            yield from () if otherwise is None else (otherwise,)
        case Each(items=items, where=where, value=value):
            yield items
            yield from () if where is None else (where,)
            yield value
        case _:
            yield from valued(node)
