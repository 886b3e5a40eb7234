"""Bound variables are named by their depth, locals by what they compute: equal values become equal nodes.

`every` is lowered once per rule, so without this the same loop would carry another variable in each rule and the
engine would compute it once per rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from ocsf_pipe.plan.nodes import (
    Assign,
    Call,
    Case,
    Convert,
    Each,
    Get,
    LetRef,
    Lookup,
    MakeList,
    MakeObject,
    Node,
    Plan,
    Route,
    Var,
)

Names = Mapping[str, str]


def canonical(plan: Plan) -> Plan:
    """Rename every variable and local of the plan; what it computes stays."""
    return replace(
        plan,
        recognise=renamed(plan.recognise, {}, 0) if plan.recognise is not None else None,
        lets=tuple((name, renamed(node, {}, 0)) for name, node in plan.lets),
        drops=tuple((why, renamed(node, {}, 0)) for why, node in plan.drops),
        routes=tuple(_route(i, route) for i, route in enumerate(plan.routes)),
    )


def _route(number: int, route: Route) -> Route:
    names: dict[str, str] = {}
    for_each = route.for_each
    if for_each is not None:
        names[for_each[0]] = f"$el{number}"
        for_each = (names[for_each[0]], renamed(for_each[1], {}, 0))
    locals_ = []
    for name, node in route.locals:
        value = renamed(node, names, 0)
        names[name] = "$" + hashlib.sha256(repr(value).encode()).hexdigest()[:12]
        locals_.append((names[name], value))
    return replace(
        route,
        when=renamed(route.when, {}, 0) if route.when is not None else None,
        for_each=for_each,
        locals=tuple(locals_),
        assigns=tuple(_assign(a, names) for a in route.assigns),
        derived=tuple(_assign(a, names) for a in route.derived),
    )


def _assign(assign: Assign, names: Names) -> Assign:
    failed = renamed(assign.failed, names, 0) if assign.failed is not None else None
    return replace(assign, value=renamed(assign.value, names, 0), failed=failed)


def renamed(node: Node, names: Names, depth: int) -> Node:
    """The node with its bound variables named by depth and its free ones by `names`."""
    match node:
        case Var(name=name) | LetRef(name=name):
            return replace(node, name=names.get(name, name))
        case Each():
            return _each(node, names, depth)
        case Get(of=of):
            return replace(node, of=renamed(of, names, depth))
        case Call(args=args):
            return replace(node, args=tuple(renamed(arg, names, depth) for arg in args))
        case Convert(value=value):
            return replace(node, value=renamed(value, names, depth))
        case MakeList(items=items):
            return replace(node, items=tuple(renamed(item, names, depth) for item in items))
        case MakeObject(fields=fields):
            return replace(node, fields=tuple((name, renamed(value, names, depth)) for name, value in fields))
        case Case(arms=arms, otherwise=otherwise):
            pairs = tuple((renamed(c, names, depth), renamed(v, names, depth)) for c, v in arms)
            return replace(node, arms=pairs, otherwise=_maybe(otherwise, names, depth))
        case Lookup(subject=subject, table=table, otherwise=otherwise):
            looked = tuple((key, renamed(value, names, depth)) for key, value in table)
            subject = renamed(subject, names, depth)
            return replace(node, subject=subject, table=looked, otherwise=_maybe(otherwise, names, depth))
        case _:
            return node


def _maybe(node: Node | None, names: Names, depth: int) -> Node | None:
    return None if node is None else renamed(node, names, depth)


def _each(node: Each, names: Names, depth: int) -> Each:
    inner = {**names, node.name: f"$x{depth}"}
    if node.at is not None:
        inner[node.at] = f"$i{depth}"
    return replace(
        node,
        items=renamed(node.items, names, depth),
        name=inner[node.name],
        at=inner[node.at] if node.at is not None else None,
        where=_maybe(node.where, inner, depth + 1),
        value=renamed(node.value, inner, depth + 1),
    )
