"""Enum attributes: captions → ids, and the sibling text that goes with each id.

A value that the mapping does not list becomes 99 Other where the enum has it, and the sibling keeps the source's
own word.
"""

from __future__ import annotations

from ocsf_pipe.errors import Span, did_you_mean
from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.expressions import case_key, condition_of, lower_expr
from ocsf_pipe.mapping.scope import Scope
from ocsf_pipe.mapping.syntax import (
    ApplyExpr,
    CaseExpr,
    CaseSide,
    ConstantSide,
    EraseSide,
    Expr,
    ExprSide,
    LiteralExpr,
    PathExpr,
    Side,
)
from ocsf_pipe.ops.types import BOOLEAN, INTEGER, TEXT
from ocsf_pipe.plan.nodes import Call, Case, Const, Lookup, Node
from ocsf_pipe.schema import Attribute

OTHER = "99"


def is_enum(attribute: Attribute) -> bool:
    """Whether ids are written by caption here."""
    return bool(attribute.enum) and attribute.type in {"integer_t", "long_t"} and not attribute.is_array


def lower_enum(context: Context, attribute: Attribute, side: Side, scope: Scope) -> tuple[Node, Node]:
    """The id and its sibling text. Complains about captions that the attribute does not have."""
    if isinstance(side, CaseSide):
        return _case_side(context, attribute, side, scope)
    constant = _caption(context, attribute, side)
    if constant is not None:
        return constant
    if isinstance(side, ExprSide):
        return _expression(context, attribute, side.expr, scope)
    if not isinstance(side, EraseSide):
        hint = "write a caption, a `case`, or an expression that gives the number"
        context.complain("M303", f"`{attribute.name}` takes one value of its list", side.span, hint)
    return Const(None, INTEGER), Const(None, TEXT)


def caption_id(attribute: Attribute, text: str) -> str | None:
    """The id (as the schema writes it) of a caption; None when there is no such caption."""
    wanted = text.strip().lower()
    return next((key for key, caption in (attribute.enum or {}).items() if caption.lower() == wanted), None)


def _caption(context: Context, attribute: Attribute, side: Side) -> tuple[Node, Node] | None:
    """The constant that a quoted text, a bare caption or a number is; None for what must be computed."""
    if isinstance(side, ConstantSide):
        return _constant(context, attribute, side.text, side.span)
    if not isinstance(side, ExprSide):
        return None
    if isinstance(side.expr, LiteralExpr) and side.expr.value is not None:
        number = str(side.expr.value)
        if number in (attribute.enum or {}):
            caption = (attribute.enum or {})[number]
            text = f"`{attribute.name}` takes a caption, not the number `{number}`"
            context.complain("M304", text, side.span, f"write '{caption}'")
            return Const(int(number), INTEGER), Const(caption, TEXT)
        return _constant(context, attribute, number, side.span)
    if caption_id(attribute, side.text) is not None:
        return _constant(context, attribute, side.text, side.span)
    return None


def _constant(context: Context, attribute: Attribute, text: str, span: Span) -> tuple[Node, Node]:
    key = caption_id(attribute, text)
    if key is None:
        captions = list((attribute.enum or {}).values())
        hint = did_you_mean(text, captions) or "captions: " + ", ".join(captions[:20])
        context.complain("M304", f"`{attribute.name}` has no caption `{text}`", span, hint)
        return Const(None, INTEGER), Const(None, TEXT)
    return Const(int(key), INTEGER), Const((attribute.enum or {})[key], TEXT)


def _case_side(context: Context, attribute: Attribute, side: CaseSide, scope: Scope) -> tuple[Node, Node]:
    subject = lower_expr(context, side.subject, scope)
    word = _word(subject)
    ids: list[tuple[str | int, Node]] = []
    captions: list[tuple[str | int, Node]] = []
    for key, span, value in side.arms:
        number, caption = _own_word(lower_enum(context, attribute, value, scope), word)
        ids.append((case_key(context, subject, key, span), number))
        captions.append((ids[-1][0], caption))
    if side.otherwise is not None:
        number, caption = _own_word(lower_enum(context, attribute, side.otherwise, scope), word)
    elif OTHER in (attribute.enum or {}):
        number, caption = other_if_there(subject), word
    else:
        number, caption = Const(None, INTEGER), Const(None, TEXT)
    return (
        Lookup(subject, tuple(ids), number, INTEGER),
        Lookup(subject, tuple(captions), caption, TEXT),
    )


def _own_word(pair: tuple[Node, Node], word: Node) -> tuple[Node, Node]:
    """Let 99 Other keep the source's own word."""
    number, caption = pair
    return (number, word) if number == Const(99, INTEGER) else (number, caption)


def other_if_there(subject: Node) -> Node:
    """99 for a value that is there and not listed; null stays null."""
    return Case(((Call("is_not_null", (subject,), BOOLEAN), Const(99, INTEGER)),), None, INTEGER)


def _word(subject: Node) -> Node:
    if subject.type.kind in {"text", "ip", "json"}:
        return subject
    return Call("to_text", (subject,), TEXT)


def _expression(context: Context, attribute: Attribute, expr: Expr, scope: Scope) -> tuple[Node, Node]:
    if isinstance(expr, CaseExpr):
        return _case_expr(context, attribute, expr, scope)
    if isinstance(expr, PathExpr) and len(expr.steps) == 1 and expr.head in scope.macros:
        context.spend(expr.span)
        scope.used.add(expr.head)
        return lower_enum(context, attribute, scope.macros[expr.head], scope)
    with context.trying():
        kind = lower_expr(context, expr, scope).type.kind
    if isinstance(expr, PathExpr) and kind == "text" and len(expr.steps) == 1:
        return _constant(context, attribute, expr.head, expr.span)
    node = lower_expr(context, expr, scope)
    if node.type.kind not in {"integer", "null"}:
        hint = "use `{case: …, of: {value: Caption}}`, or to_integer(…) where the source has the same numbers"
        context.complain("M303", f"`{attribute.name}` takes captions, got {node.type}", expr.span, hint)
    known = [int(key) for key in attribute.enum or {}]
    other = OTHER in (attribute.enum or {})
    captions = attribute.enum or {}
    return (
        Lookup(
            node,
            tuple((key, Const(key, INTEGER)) for key in known),
            other_if_there(node) if other else None,
            INTEGER,
        ),
        Lookup(
            node,
            tuple((key, Const(captions[str(key)], TEXT)) for key in known if key != 99),
            _word(node) if other else None,
            TEXT,
        ),
    )


def _case_expr(context: Context, attribute: Attribute, expr: CaseExpr, scope: Scope) -> tuple[Node, Node]:
    ids: list[tuple[Node, Node]] = []
    captions: list[tuple[Node, Node]] = []
    word = _word(lower_expr(context, expr.subject, scope)) if expr.subject is not None else None
    for condition, value in expr.arms:
        test = condition
        if expr.subject is not None:
            test = ApplyExpr("eq", (expr.subject, condition), condition.span, "=")
        number, caption = lower_enum(context, attribute, ExprSide(value, value.span), scope)
        node = condition_of(context, test, scope)
        ids.append((node, number))
        captions.append((node, word if word is not None and number == Const(99, INTEGER) else caption))
    if expr.otherwise is None:
        return Case(tuple(ids), None, INTEGER), Case(tuple(captions), None, TEXT)
    number, caption = lower_enum(context, attribute, ExprSide(expr.otherwise, expr.otherwise.span), scope)
    if word is not None and number == Const(99, INTEGER):
        caption = word
    return Case(tuple(ids), number, INTEGER), Case(tuple(captions), caption, TEXT)
