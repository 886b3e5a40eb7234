"""What can be computed without a record is computed once: calls of constants, choices by a constant.

Engines never see such calls; DuckDB's own folding of deep ones has failed to plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ocsf_pipe.ops import OPS
from ocsf_pipe.ops.conversion import convert
from ocsf_pipe.plan.nodes import (
    Assign,
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
    Plan,
    Route,
)

Change = Callable[[Node], Node]
Known = Mapping[str, Const]


def constants(plan: Plan) -> Plan:
    """Compute every constant part of a plan; lets that are constants are put where they are used."""
    known: dict[str, Const] = {}
    lets = []
    for name, node in plan.lets:
        value = computed(node, known)
        if isinstance(value, Const):
            known[name] = value
        lets.append((name, value))
    return replace(
        plan,
        lets=tuple(lets),
        recognise=computed(plan.recognise, known) if plan.recognise is not None else None,
        drops=tuple((why, computed(node, known)) for why, node in plan.drops),
        routes=tuple(_route(route, known) for route in plan.routes),
    )


def _route(route: Route, known: Known) -> Route:
    return replace(
        route,
        when=computed(route.when, known) if route.when is not None else None,
        for_each=(route.for_each[0], computed(route.for_each[1], known)) if route.for_each is not None else None,
        locals=tuple((name, computed(node, known)) for name, node in route.locals),
        assigns=tuple(_assign(assign, known) for assign in route.assigns),
        derived=tuple(_assign(assign, known) for assign in route.derived),
    )


def _assign(assign: Assign, known: Known) -> Assign:
    failed = computed(assign.failed, known) if assign.failed is not None else None
    return replace(assign, value=computed(assign.value, known), failed=failed)


def computed(node: Node, known: Known) -> Node:
    """The node with its constant parts computed, innermost first."""
    done = rebuilt(node, lambda part: computed(part, known))
    match done:
        case LetRef(name=name):
            return known.get(name, done)
        case Call(op=op, args=args) if _plain(done) and all(isinstance(arg, Const) for arg in args):
            values = [arg.value for arg in args if isinstance(arg, Const)]
            return Const(OPS[op].call(values, [arg.type for arg in args]), done.type)
        case Convert(value=Const(value=value, type=kind), to=scalar):
            return Const(convert(value, kind, scalar), done.type)
        case Case():
            return _case(done)
        case Lookup(subject=Const(value=subject)) if _plain(done):
            return _alike(done, _chosen(done, subject))
        case _:
            return done


def _plain(node: Call | Lookup) -> bool:
    return node.type.kind not in {"list", "object", "any"}


def _case(node: Case) -> Node:
    """Arms that never hold are gone, as are those behind one that always does."""
    arms: list[tuple[Node, Node]] = []
    for condition, value in node.arms:
        if isinstance(condition, Const) and condition.value is True:
            return replace(node, arms=tuple(arms), otherwise=value) if arms else _alike(node, value)
        if not isinstance(condition, Const):
            arms.append((condition, value))
    return replace(node, arms=tuple(arms)) if arms else _alike(node, node.otherwise)


def _chosen(node: Lookup, subject: object) -> Node | None:
    wanted = {True: "true", False: "false"}[subject] if isinstance(subject, bool) else subject
    found = (value for key, value in node.table if wanted is not None and key == wanted)
    return next(found, node.otherwise)


def _alike(node: Case | Lookup, value: Node | None) -> Node:
    """The one value that is left of a choice, where it has the type of the choice."""
    if value is None:
        return Const(None, node.type)
    if value.type == node.type:
        return value
    return Const(None, node.type) if isinstance(value, Const) and value.value is None else node


def rebuilt(node: Node, change: Change) -> Node:
    """The node with every part changed."""
    match node:
        case Get(of=of):
            return replace(node, of=change(of))
        case Call(args=args):
            return replace(node, args=tuple(change(arg) for arg in args))
        case Convert(value=value):
            return replace(node, value=change(value))
        case MakeList(items=items):
            return replace(node, items=tuple(change(item) for item in items))
        case MakeObject(fields=fields):
            return replace(node, fields=tuple((name, change(value)) for name, value in fields))
        case Case(arms=arms, otherwise=otherwise):
            changed = tuple((change(condition), change(value)) for condition, value in arms)
            return replace(node, arms=changed, otherwise=_maybe(otherwise, change))
        case Lookup(subject=subject, table=table, otherwise=otherwise):
            looked = tuple((key, change(value)) for key, value in table)
            return replace(node, subject=change(subject), table=looked, otherwise=_maybe(otherwise, change))
        case Each(items=items, where=where, value=value):
            return replace(node, items=change(items), where=_maybe(where, change), value=change(value))
        case _:
            return node


def _maybe(node: Node | None, change: Change) -> Node | None:
    return None if node is None else change(node)
