"""Values → the OCSF type of a scalar attribute; what can never be of that type is a complaint."""

from __future__ import annotations

from ocsf_pipe.errors import Span, did_you_mean
from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.requirements import scalar_of
from ocsf_pipe.ops.conversion import column_type, convert, convertible
from ocsf_pipe.ops.types import TEXT
from ocsf_pipe.plan.nodes import Const, Convert, Node
from ocsf_pipe.schema import Attribute

_REMEDIES = {
    "boolean": "choose with `case when … then … end`",
    "list": "take one element (`x[0]`, `list_first(x)`), or join texts with `list_join(x, ', ')`",
    "object": "name the part that is meant",
}
_LOOKS = {"ip_t": "an address such as '192.0.2.1'", "timestamp_t": "a time such as '2026-01-31T12:00:00Z'"}


def constant(context: Context, attribute: Attribute, text: str, span: Span) -> Node:
    """A constant of the attribute's type; complains about a text that is not of it."""
    scalar = scalar_of(context, attribute)
    value = convert(text, TEXT, scalar)
    if value is None:
        hint = did_you_mean(text, scalar.values) if scalar.values else None
        asked = f"the type of `{attribute.name}`"
        context.complain(
            "M303", f"`{text}` is not of {asked}, {attribute.type}", span, hint or _wanted(context, attribute)
        )
    return Const(value, column_type(scalar))


def _wanted(context: Context, attribute: Attribute) -> str:
    """What a constant of this attribute looks like."""
    kind = context.schema.type(attribute.type)
    if kind.range is not None:
        return f"write a number from {kind.range[0]} to {kind.range[1]}"
    return f"write {_LOOKS.get(attribute.type, f'a {kind.caption or attribute.type}')}"


def converted(context: Context, attribute: Attribute, node: Node, span: Span) -> Node:
    """A value converted to the attribute's type; complains where no value of its own type can be."""
    scalar = scalar_of(context, attribute)
    if not convertible(node.type, scalar):
        text = f"`{attribute.name}` is of type {attribute.type}, which no {node.type} becomes"
        if node.type.item is None or node.type.item.kind != "null":
            context.complain("M303", text, span, _REMEDIES.get(node.type.kind, "convert it: docs/ops.md has the ops"))
        return Const(None, column_type(scalar))
    if isinstance(node, Const):
        return Const(convert(node.value, node.type, scalar), column_type(scalar))
    return Convert(node, scalar, column_type(scalar))
