"""The `sigma:` part of a mapping → plan: which rules serve a logsource, and expressions over attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.syntax import ApplyExpr, CaseExpr, Expr, LiteralExpr, PathExpr
from ocsf_pipe.mapping.syntax import SigmaRoute as Written
from ocsf_pipe.ops import OPS, common_type
from ocsf_pipe.ops.types import BOOLEAN, FLOAT, INTEGER, NULL, TEXT, Type
from ocsf_pipe.plan.nodes import Attr, Call, Case, Const, Node, Path, Route, SigmaRoute

Attributes = Mapping[Path, Type]
_KINDS = {bool: BOOLEAN, int: INTEGER, float: FLOAT, str: TEXT}


def sigma_route(context: Context, written: Written, routes: Sequence[Route]) -> SigmaRoute:
    """One entry of `sigma:`; complains where a join reads what none of its rules sets."""
    known = {a.path: a.type for route in routes if route.name in written.events for a in route.assigns}
    return SigmaRoute(
        logsource=tuple(sorted((key, str(value)) for key, value in written.logsource.items())),
        events=written.events,
        fields=tuple(written.fields.items()),
        under=written.under,
        joins=tuple((name, _node(context, expr, known)) for name, expr in written.joins),
        where=None if written.where is None else _node(context, written.where, known),
        several=tuple(written.several.items()),
    )


def _node(context: Context, expr: Expr, known: Attributes) -> Node:
    match expr:
        case LiteralExpr(value=value):
            return Const(value, NULL if value is None else _KINDS[type(value)])
        case PathExpr():
            return _attribute(context, expr, known)
        case ApplyExpr():
            return _call(context, expr, known)
        case CaseExpr():
            return _case(context, expr, known)
        case _:
            context.complain("M202", "a join goes into no part of a call", expr.span, "name the attribute")
            return Const(None, NULL)


def _attribute(context: Context, expr: PathExpr, known: Attributes) -> Node:
    path = tuple(step.name or "" for step in expr.steps)
    if path not in known:
        text = f"no rule of this logsource sets `{'.'.join(map(str, expr.steps))}`"
        context.complain("M302", text, expr.span, "a join is made of attributes that the rules set")
        return Const(None, NULL)
    return Attr(path, known[path])


def _call(context: Context, expr: ApplyExpr, known: Attributes) -> Node:
    args = tuple(_node(context, arg, known) for arg in expr.args)
    types = [arg.type for arg in args]
    if expr.op not in OPS:
        context.complain("M201", f"unknown op `{expr.op}`", expr.span)
    elif not OPS[expr.op].accepts(types):
        context.complain("M203", f"`{expr.op}` does not take ({', '.join(map(str, types))})", expr.span)
    else:
        return Call(expr.op, args, OPS[expr.op].result(types))
    return Const(None, NULL)


def _case(context: Context, expr: CaseExpr, known: Attributes) -> Node:
    subject = None if expr.subject is None else _node(context, expr.subject, known)
    arms = []
    for test, value in expr.arms:
        condition = _node(context, test, known)
        if subject is not None:
            condition = Call("eq", (subject, condition), BOOLEAN)
        arms.append((condition, _node(context, value, known)))
    otherwise = None if expr.otherwise is None else _node(context, expr.otherwise, known)
    values = [value.type for _, value in arms] + ([otherwise.type] if otherwise is not None else [])
    kind = common_type(values)
    if kind is None:
        context.complain("M204", "the branches have no type in common", expr.span)
    return Case(tuple(arms), otherwise, kind or NULL)
