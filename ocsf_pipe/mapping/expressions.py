"""Expressions → typed nodes. Complains about unknown ops, wrong arguments and conditions that are none."""

from __future__ import annotations

from ocsf_pipe.errors import Span, did_you_mean
from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.paths import as_document, as_list, as_texts, elements, finish, start, walk
from ocsf_pipe.mapping.scope import Handle, Scope
from ocsf_pipe.mapping.shapes import Trie
from ocsf_pipe.mapping.syntax import (
    ApplyExpr,
    CaseExpr,
    CaseSide,
    ConstantSide,
    EachSide,
    EraseSide,
    Expr,
    ExprSide,
    FollowExpr,
    ListSide,
    LiteralExpr,
    ObjectSide,
    PathExpr,
)
from ocsf_pipe.ops import OPS
from ocsf_pipe.ops.registry import Op
from ocsf_pipe.ops.types import BOOLEAN, FLOAT, INTEGER, JSON, NULL, TEXT, TIMESTAMP, Type
from ocsf_pipe.plan.nodes import Call, Case, Const, Frame, Lookup, Node

NULL_TESTS = frozenset({"is_null", "is_not_null"})
LOGIC = frozenset({"and_", "or_", "not_"})
CLOCK = "processed_time"
"""A call without arguments: the time of the batch, the same whenever the batch is mapped again."""


def lower_expr(context: Context, expr: Expr, scope: Scope, want: Type | None = None) -> Node:
    """The typed node of an expression; `want` says JSON where that is wanted of a path. Never raises."""
    context.spend(expr.span)
    match expr:
        case LiteralExpr(value=value):
            return Const(value, literal_type(value))
        case CaseExpr():
            return _case(context, expr, scope, want)
        case PathExpr(steps=(only,), span=span) if only.name in scope.macros:
            return _macro(context, only.name or "", scope, span, want)
        case ApplyExpr():
            return _apply(context, expr, scope)
        case _:
            use = "json" if want is not None and want.kind == "json" else None
            return finish(context, handle_of(context, expr, scope), expr.span, use)  # type: ignore[arg-type]


def literal_type(value: object) -> Type:
    """The type of a literal."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INTEGER
    return FLOAT if isinstance(value, float) else NULL if value is None else TEXT


def handle_of(context: Context, expr: Expr, scope: Scope) -> Handle:
    """What an expression is, so that a path or an `each` can go on from it."""
    if isinstance(expr, PathExpr):
        handle, steps = start(expr, scope)
        return walk(context, handle, steps, expr.span)
    if isinstance(expr, FollowExpr):
        return walk(context, Handle(lower_expr(context, expr.of, scope)), expr.steps, expr.span)
    return Handle(lower_expr(context, expr, scope))


def elements_of(context: Context, expr: Expr, scope: Scope) -> tuple[Node, Trie | None]:
    """The list that something goes over, and the place of one element where it has one."""
    context.spend(expr.span)
    if isinstance(expr, PathExpr):
        handle, steps = start(expr, scope)
        if not (len(expr.steps) == 1 and expr.head in scope.macros):
            return elements(context, handle, steps, expr.span)
    if isinstance(expr, FollowExpr):
        return elements(context, Handle(lower_expr(context, expr.of, scope)), expr.steps, expr.span)
    return as_list(context, Handle(lower_expr(context, expr, scope)), expr.span), None


def _macro(context: Context, name: str, scope: Scope, span: Span, want: Type | None) -> Node:
    scope.used.add(name)
    side = scope.macros[name]
    if isinstance(side, CaseSide):
        found = _case_let(context, side, scope, want)
        if found is not None:
            return found
    elif not isinstance(side, EachSide | ObjectSide | ListSide):
        return _side_value(context, side, scope, want)
    text = f"`{name}` is a let of several parts, which no expression can use"
    context.complain("M204", text, span, "use it right of an attribute, or name one of its parts")
    return Const(None, NULL)


def _side_value(context: Context, side: ExprSide | ConstantSide | EraseSide, scope: Scope, want: Type | None) -> Node:
    if isinstance(side, ExprSide):
        return lower_expr(context, side.expr, scope, want)
    return Const(side.text, TEXT) if isinstance(side, ConstantSide) else Const(None, NULL)


def _case_let(context: Context, side: CaseSide, scope: Scope, want: Type | None) -> Node | None:
    """A let that is a lookup of single values, as a value; None where it looks up objects or lists."""
    sides = [value for _, _, value in side.arms] + ([side.otherwise] if side.otherwise is not None else [])
    single = [s for s in sides if isinstance(s, ExprSide | ConstantSide | EraseSide)]
    if len(single) < len(sides):
        return None
    subject = lower_expr(context, side.subject, scope)
    values = [_side_value(context, s, scope, want) for s in single]
    kind = _together(context, values, side.span)
    keys = [case_key(context, subject, key, span) for key, span, _ in side.arms]
    otherwise = values[len(keys)] if side.otherwise is not None else None
    return Lookup(subject, tuple(zip(keys, values, strict=False)), otherwise, kind)


def case_key(context: Context, subject: Node, key: str, span: Span) -> str | int:
    """The key of one arm as a value that the subject can be equal to."""
    kind = subject.type.kind
    if kind == "boolean" and key not in {"true", "false"}:
        context.complain("M204", f"the value here is true or false, never `{key}`", span, "write `true` or `false`")
    if kind in {"integer", "timestamp"}:
        if key.lstrip("-").isdigit():
            return int(key)
        context.complain("M204", f"the value here is an integer, never `{key}`", span, "write an integer")
    return key


def _case(context: Context, expr: CaseExpr, scope: Scope, want: Type | None) -> Node:
    arms = []
    for condition, value in expr.arms:
        test = condition
        if expr.subject is not None:
            test = ApplyExpr("eq", (expr.subject, condition), condition.span, "=")
        arms.append((condition_of(context, test, scope), lower_expr(context, value, scope, want)))
    otherwise = lower_expr(context, expr.otherwise, scope, want) if expr.otherwise is not None else None
    values = [value for _, value in arms] + ([otherwise] if otherwise is not None else [])
    return Case(tuple(arms), otherwise, _together(context, values, expr.span))


def _together(context: Context, values: list[Node], span: Span) -> Type:
    """The type of what may be any of these; a complaint where they have none in common."""
    kind = common_type([value.type for value in values])
    if kind is None:
        types = ", ".join(sorted({str(value.type) for value in values}))
        hint = "make texts of all of them with `to_text(…)`"
        context.complain("M204", f"the branches of this `case` have different types: {types}", span, hint)
    return kind or TEXT


def common_type(types: list[Type]) -> Type | None:
    """The one type that all these are, text standing in for what is text underneath; None where there is none."""
    found = {kind for kind in types if kind != NULL}
    if len(found) <= 1:
        return next(iter(found), NULL)
    if {kind.kind for kind in found} <= {"text", "ip", "json"}:
        return TEXT
    if {kind.kind for kind in found} <= {"integer", "float"}:
        return FLOAT
    if {kind.kind for kind in found} <= {"integer", "timestamp"}:
        return INTEGER
    return None


def condition_of(context: Context, expr: Expr, scope: Scope) -> Node:
    """An expression that must be a boolean."""
    node = lower_expr(context, expr, scope)
    if node.type.kind not in {"boolean", "null"}:
        hint = "compare it with something: `… = 'x'`, `… is not null`"
        context.complain("M205", f"expected a condition, got a value of type {node.type}", expr.span, hint)
        return Const(None, BOOLEAN)
    return node


def _apply(context: Context, expr: ApplyExpr, scope: Scope) -> Node:
    if expr.op == CLOCK and not expr.args:
        return Frame("clock", TIMESTAMP)
    op = OPS.get(expr.op)
    if op is None or (op.operator and not expr.sign):
        hint = did_you_mean(expr.op, [name for name, found in OPS.items() if not found.operator])
        context.complain("M201", f"unknown op `{expr.op}`", expr.span, hint or "see docs/ops.md for all of them")
        return Const(None, NULL)
    if expr.op in NULL_TESTS and len(expr.args) == 1 and isinstance(expr.args[0], PathExpr | FollowExpr):
        return _null_test(context, expr, scope)
    if expr.op in LOGIC:
        return Call(expr.op, tuple(condition_of(context, arg, scope) for arg in expr.args), BOOLEAN)
    args = tuple(_argument(context, op, i, arg, scope) for i, arg in enumerate(expr.args))
    return checked_call(context, op, args, expr)


def _null_test(context: Context, expr: ApplyExpr, scope: Scope) -> Node:
    path = expr.args[0]
    if isinstance(path, PathExpr) and path.steps[0].name in scope.macros:
        return Call(expr.op, (lower_expr(context, path, scope),), BOOLEAN)
    handle = handle_of(context, path, scope)
    node = handle.node if handle.trie is not None else finish(context, handle, path.span)
    return Call(expr.op, (node,), BOOLEAN)


def _argument(context: Context, op: Op, position: int, arg: Expr, scope: Scope) -> Node:
    _, most = op.arity
    taken = op.taken(position) if op.takes and (most is None or position < most) else ()
    if isinstance(arg, PathExpr | FollowExpr) and not _is_macro(arg, scope):
        if op.document and position == 0:
            return as_document(context, handle_of(context, arg, scope), arg.span)
        if taken and all(kind.kind == "list" for kind in taken):
            return _list_argument(context, arg, scope)
    wants_json = any(kind.kind == "json" for kind in taken) and not any(kind.kind == "text" for kind in taken)
    return lower_expr(context, arg, scope, JSON if wants_json else None)


def _is_macro(arg: Expr, scope: Scope) -> bool:
    return isinstance(arg, PathExpr) and len(arg.steps) == 1 and arg.head in scope.macros


def _list_argument(context: Context, arg: PathExpr | FollowExpr, scope: Scope) -> Node:
    """A list given to an op: its elements are texts, unless something else reads parts of them."""
    handle = handle_of(context, arg, scope)
    if handle.trie is not None and handle.trie.element is not None and handle.trie.element.clash("text"):
        return as_list(context, handle, arg.span)
    return as_texts(context, handle, arg.span)


def checked_call(context: Context, op: Op, args: tuple[Node, ...], expr: ApplyExpr) -> Node:
    """The call, with complaints about number, types and constancy of its arguments."""
    types = [arg.type for arg in args]
    if not op.accepts(types):
        context.complain("M203", *_refusal(op, expr, types))
        return Const(None, NULL)
    for position in op.constant:
        if position < len(args) and not isinstance(args[position], Const):
            text = f"argument {position + 1} of `{op.name}` must be a constant"
            context.complain("M206", text, expr.args[position].span, "write it out: `'…'` or a number")
            return Const(None, op.result(types))
    complaint = op.complaint and op.complaint(*(arg.value if isinstance(arg, Const) else None for arg in args))
    if complaint:
        context.complain("M203", f"`{op.name}`: {complaint}", expr.span, f"see `{op.name}` in docs/ops.md")
        return Const(None, op.result(types))
    return Call(op.name, args, op.result(types))


def _refusal(op: Op, expr: ApplyExpr, types: list[Type]) -> tuple[str, Span, str]:
    """What is wrong with the arguments, where, and what would be right."""
    shown = ", ".join(map(str, types))
    if expr.sign:
        hint = "convert one side (`to_integer(…)`, `to_text(…)`), or declare the path's type under `input.fields`"
        return f"`{expr.sign}` does not take {' and '.join(map(str, types))}", expr.span, hint
    words = [" or ".join(str(kind) for kind in op.taken(i)) for i in range(len(op.takes))]
    takes = f"`{op.name}` takes ({', '.join(words)}{', …' if op.variadic else ''})"
    least, most = op.arity
    if len(types) < least or (most is not None and len(types) > most):
        return f"`{op.name}` is given {len(types)} value{'s' * (len(types) != 1)}: ({shown})", expr.span, takes
    return f"`{op.name}` does not take ({shown})", expr.span, f"{takes}; convert the value or declare the path's type"
