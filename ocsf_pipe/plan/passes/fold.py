"""Conditions that are constant are taken away: `and true`, `or false`, arms that never hold."""

from __future__ import annotations

from dataclasses import replace

from ocsf_pipe.ops.types import BOOLEAN
from ocsf_pipe.plan.nodes import Assign, Call, Const, Node, Plan, Route

TRUE = Const(value=True, type=BOOLEAN)
FALSE = Const(value=False, type=BOOLEAN)


def fold(plan: Plan) -> Plan:
    """Fold the conditions of rules; a rule whose condition is true takes every record that reaches it."""
    return replace(plan, routes=tuple(_route(route) for route in plan.routes))


def _route(route: Route) -> Route:
    when = folded(route.when) if route.when is not None else None
    assigns = tuple(replace(a, failed=_failed(a)) for a in route.assigns)
    return replace(route, when=None if when == TRUE else when, assigns=assigns)


def _failed(assign: Assign) -> Node | None:
    failed = folded(assign.failed) if assign.failed is not None else None
    return None if failed == FALSE else failed


def folded(node: Node) -> Node:
    """The condition without constant parts."""
    if not isinstance(node, Call) or node.op not in {"and_", "or_", "not_"}:
        return node
    args = tuple(folded(arg) for arg in node.args)
    if node.op == "not_":
        if args[0] in (TRUE, FALSE):
            return FALSE if args[0] == TRUE else TRUE
        return replace(node, args=args)
    neutral, absorbing = (TRUE, FALSE) if node.op == "and_" else (FALSE, TRUE)
    if absorbing in args:
        return absorbing
    kept = tuple(arg for arg in args if arg != neutral)
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else replace(node, args=kept)
