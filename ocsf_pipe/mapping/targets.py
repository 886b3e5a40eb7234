"""Right sides → attributes: every object is taken apart into its leaves, every leaf gets the type of its attribute."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce

from ocsf_pipe.errors import Span, nearest
from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.enums import is_enum, lower_enum
from ocsf_pipe.mapping.expressions import case_key, condition_of, elements_of, lower_expr
from ocsf_pipe.mapping.leaves import DERIVED, Attributes, Leaf, Leaves
from ocsf_pipe.mapping.requirements import nest, scalar_of
from ocsf_pipe.mapping.scalars import constant, converted
from ocsf_pipe.mapping.scope import Handle, Scope
from ocsf_pipe.mapping.syntax import (
    RULE_WORDS,
    CaseSide,
    ConstantSide,
    EachSide,
    Entry,
    EraseSide,
    ExprSide,
    ListSide,
    ObjectSide,
    PathExpr,
    Side,
)
from ocsf_pipe.ops.conversion import column_type
from ocsf_pipe.ops.types import INTEGER, JSON, NULL, OBJECT, TEXT, list_of, united
from ocsf_pipe.plan.nodes import Call, Const, Each, LetRef, Lookup, MakeList, Node, Path, Var
from ocsf_pipe.schema import Attribute

_ONE_VALUE = "write an expression, a quoted constant or a `case` of them"


def lower_entries(
    context: Context, where: str, attributes: Attributes, entries: Iterable[Entry], scope: Scope, prefix: Path = ()
) -> Leaves:
    """The leaves of a table; complains about attributes that are unknown or derivable."""
    leaves: Leaves = {}
    written: set[Path] = set()
    for entry in entries:
        found = resolve(context, where, attributes, entry.path, prefix, entry.span)
        if found is None:
            continue
        path = (*prefix, *entry.path)
        set_here = lower_side(context, found, path, entry.value, scope)
        for twice in sorted(set_here.keys() & written):
            text = f"`{'.'.join(twice)}` is set twice"
            context.complain("M105", text, entry.span, f"line {leaves[twice].span.line} sets it: keep one of them")
            break
        if not set_here:
            context.excused.add(path)
        if _spelled_out(context, entry.value, scope) is entry.value:  # a line may mend what a let brings along
            written |= set_here.keys()
        leaves.update(set_here)
    return leaves


def resolve(
    context: Context, where: str, attributes: Attributes, path: Path, prefix: Path, span: Span
) -> Attribute | None:
    """The attribute at a path; None, with a complaint, where there is none or the compiler derives it."""
    found: Attribute | None = None
    for i, name in enumerate(path):
        whole = ".".join((*prefix, *path[: i + 1]))
        sibling = next((a for a in attributes.values() if a.sibling == name and is_enum(a)), None)
        if whole in DERIVED or (sibling is not None and sibling.name != name):
            hint = f"map `{sibling.name}` instead" if sibling is not None else "leave it out"
            context.complain("M306", f"`{whole}` is derived", span, hint)
            context.excused.add((*prefix, *path[:i], sibling.name if sibling is not None else name))
            return None
        if name not in attributes:
            _unknown(context, where, attributes, name, (*prefix, *path[:i]), span)
            return None
        found = attributes[name]
        if i + 1 < len(path):
            if found.object_type is None or found.is_array:
                what = "a list: write `[{…}]` or `{each: list, set: {…}}`" if found.is_array else f"a {found.type}"
                context.complain("M302", f"`{whole}` has no part `{path[i + 1]}`", span, f"`{name}` is {what}")
                context.excused.add((*prefix, *path[: i + 1]))
                return None
            where = found.object_type
            attributes = context.schema.objects[where].attributes
    return found


def _unknown(context: Context, where: str, attributes: Attributes, name: str, prefix: Path, span: Span) -> None:
    """Complain about an attribute that is not there; what it most likely meant is not missing besides."""
    meant = nearest(name, [*attributes, *(() if prefix else RULE_WORDS)])
    hint = f"did you mean `{meant}`?" if meant else "`ocsf-pipe schema show` lists the attributes of a class"
    text = f"`{where}` has no attribute `{name}` in OCSF {context.schema.version}"
    context.complain("M302", text, span, hint)
    context.excused.add((*prefix, meant or name))


def lower_side(context: Context, attribute: Attribute, path: Path, side: Side, scope: Scope) -> Leaves:
    """The leaves that one right side sets, for an attribute of any kind."""
    side = _spelled_out(context, side, scope)
    if isinstance(side, EraseSide):
        return {path: Leaf(path, None, TEXT, attribute, side.span)}
    if attribute.is_array:
        node = _array(context, attribute, side, scope)
        return {path: Leaf(path, node, node.type, attribute, side.span)}
    if is_enum(attribute):
        return _enum(context, attribute, path, side, scope)
    if attribute.object_type is not None and attribute.object_type != "object":
        return _object(context, attribute, path, side, scope)
    node = _scalar(context, attribute, side, scope)
    return {path: Leaf(path, node, node.type, attribute, side.span)}


def _spelled_out(context: Context, side: Side, scope: Scope) -> Side:
    """A let that is an object or a constant, put where it is used."""
    while isinstance(side, ExprSide) and isinstance(side.expr, PathExpr):
        name = side.expr.head
        if len(side.expr.steps) > 1 or name not in scope.macros:
            break
        context.spend(side.span)
        scope.used.add(name)
        side = scope.macros[name]
    return side


def _enum(context: Context, attribute: Attribute, path: Path, side: Side, scope: Scope) -> Leaves:
    number, caption = lower_enum(context, attribute, side, scope)
    if attribute.requirement == "required" and "0" in (attribute.enum or {}) and not isinstance(number, Const):
        # a required enum that the source leaves open is OCSF's own 0 Unknown
        number = Call("coalesce", (number, Const(0, INTEGER)), INTEGER)
        caption = Call("coalesce", (caption, Const((attribute.enum or {})["0"], TEXT)), TEXT)
    unknown = number == Const(0, INTEGER)
    leaves = {path: Leaf(path, number, INTEGER, attribute, side.span, unknown)}
    if attribute.sibling:
        sibling = (*path[:-1], attribute.sibling)
        leaves[sibling] = Leaf(sibling, caption, TEXT, replace(attribute, enum=None), side.span, unknown)
    return leaves


def _object(context: Context, attribute: Attribute, path: Path, side: Side, scope: Scope) -> Leaves:
    name = attribute.object_type or ""
    attributes = context.schema.objects[name].attributes
    if isinstance(side, ObjectSide):
        return lower_entries(context, name, attributes, side.entries, scope, path)
    if isinstance(side, CaseSide):
        return _case_object(context, attribute, path, side, scope)
    if isinstance(side, EachSide) and side.first and side.value is not None:
        return _first_object(context, attribute, path, side, scope)
    hint = "write an object `{attr: expr, …}`, a `case` of objects or `{first: list, set: {…}}`"
    context.complain("M303", f"`{'.'.join(path) or attribute.name}` is an object of type {name}", side.span, hint)
    return {}


def _first_object(context: Context, attribute: Attribute, path: Path, side: EachSide, scope: Scope) -> Leaves:
    """The first match is named once, its parts are leaves like any other."""
    if scope.depth:
        context.complain("M303", "`first` inside an `each` cannot make an object", side.span, "name it with a let")
        return {}
    node, inner = each_node(context, replace(side, value=None), scope)
    known = next((name for name, value in context.locals if value == node), None)
    name = known or context.fresh("first")
    if known is None:
        context.locals.append((name, node))
    bound = inner.names[side.name] if side.name else inner.element
    trie = bound.trie if bound is not None else None
    handle = Handle(LetRef(name, node.type), trie)
    value = side.value or EraseSide(side.span)
    return lower_side(context, attribute, path, value, replace(scope.bind(side.name, handle), depth=scope.depth))


def _case_object(context: Context, attribute: Attribute, path: Path, side: CaseSide, scope: Scope) -> Leaves:
    subject = lower_expr(context, side.subject, scope)
    arms = [
        (case_key(context, subject, key, span), lower_side(context, attribute, path, value, scope))
        for key, span, value in side.arms
    ]
    otherwise = lower_side(context, attribute, path, side.otherwise, scope) if side.otherwise is not None else {}
    merged: Leaves = {}
    for leaves in [*(found for _, found in arms), otherwise]:
        for inner, leaf in leaves.items():
            if inner in merged or leaf.value is None:
                continue
            table = tuple((key, found[inner].value) for key, found in arms if inner in found)
            rest = otherwise[inner].value if inner in otherwise else None
            looked = Lookup(subject, _present(table), rest, leaf.type)
            covered = {key for key, _ in table}
            if rest is not None:
                missing = tuple((key, Const(None, leaf.type)) for key, _ in arms if key not in covered)
                looked = replace(looked, table=looked.table + missing)
            merged[inner] = replace(leaf, value=looked)
    return merged


def _present(table: tuple[tuple[str | int, Node | None], ...]) -> tuple[tuple[str | int, Node], ...]:
    return tuple((key, node) for key, node in table if node is not None)


def _array(context: Context, attribute: Attribute, side: Side, scope: Scope) -> Node:
    side = _spelled_out(context, side, scope)
    single = replace(attribute, is_array=False)
    if isinstance(side, ListSide):
        items = tuple(_element(context, single, item, scope) for item in side.items)
        return MakeList(items, list_of(reduce(united, (item.type for item in items), NULL) if items else TEXT))
    if isinstance(side, EachSide) and not side.first:
        return _each(context, single, side, scope)
    if isinstance(side, CaseSide):
        return _lookup(context, side, scope, lambda value: _array(context, attribute, value, scope))
    if isinstance(side, ExprSide) and attribute.object_type is None:
        items_node, trie = elements_of(context, side.expr, scope)
        name = context.fresh("e")
        if trie is not None:
            trie.uses.add("text")
        kind = TEXT if trie is not None else items_node.type.item or TEXT
        value = converted(context, single, Var(name, kind), side.span)
        return Each(items_node, name, None, None, value, first=False, type=list_of(value.type))
    if isinstance(side, EraseSide):
        return Const(None, list_of(TEXT))
    hint = "write a list `[…]` or `{each: list, set: …}`"
    context.complain("M303", f"`{attribute.name}` is a list", side.span, hint)
    return Const(None, list_of(TEXT))


def _element(context: Context, attribute: Attribute, side: Side, scope: Scope) -> Node:
    """One element of a list attribute: an object with what it needs, or a scalar."""
    side = _spelled_out(context, side, scope)
    if attribute.object_type is None or attribute.object_type == "object":
        return _scalar(context, attribute, side, scope)
    if isinstance(side, CaseSide):
        return _lookup(context, side, scope, lambda value: _element(context, attribute, value, scope))
    if isinstance(side, EachSide) and side.first and side.value is not None:
        return _each(context, attribute, side, scope)
    if isinstance(side, EraseSide):
        return Const(None, OBJECT)
    outer, context.excused = context.excused, set()
    leaves = _object(context, attribute, (), side, replace(scope, depth=scope.depth + 1))
    node = nest(context, attribute.object_type, leaves)
    context.excused = outer
    return node


def _each(context: Context, attribute: Attribute, side: EachSide, scope: Scope) -> Node:
    node, inner = each_node(context, side, scope)
    if side.value is None:
        context.complain("M103", "`set` is missing beside `each`", side.span, "add `set: {attr: expr}`")
    value = _element(context, attribute, side.value or EraseSide(side.span), inner)
    return replace(node, value=value, type=value.type if side.first else list_of(value.type))


def each_node(context: Context, side: EachSide, scope: Scope) -> tuple[Each, Scope]:
    """The loop with its element as value, and the scope inside it."""
    items, trie = elements_of(context, side.items, scope)
    name = context.fresh("x")
    kind = OBJECT if trie is not None else items.type.item or JSON
    handle = Handle(Var(name, kind), trie)
    at = context.fresh("i") if side.at else None
    position = (side.at, Handle(Var(at, INTEGER))) if side.at and at else None
    inner = scope.bind(side.name, handle, position)
    where = condition_of(context, side.where, inner) if side.where is not None else None
    result = kind if side.first else list_of(kind)
    return Each(items, name, at, where, handle.node, first=side.first, type=result), inner


def _lookup(context: Context, side: CaseSide, scope: Scope, lower: Callable[[Side], Node]) -> Node:
    subject = lower_expr(context, side.subject, scope)
    table = tuple((case_key(context, subject, key, span), lower(value)) for key, span, value in side.arms)
    otherwise = lower(side.otherwise) if side.otherwise is not None else None
    sides = [node.type for _, node in table] + ([otherwise.type] if otherwise is not None else [])
    kind = reduce(united, sides, NULL)
    return Lookup(subject, table, otherwise, kind)


def _scalar(context: Context, attribute: Attribute, side: Side, scope: Scope) -> Node:
    """A scalar attribute's value, converted to its OCSF type."""
    side = _spelled_out(context, side, scope)
    if is_enum(attribute):
        return lower_enum(context, attribute, side, scope)[0]
    if isinstance(side, ConstantSide):
        if side.plain:
            text = f"`{side.text}` is no expression"
            context.complain("M202", text, side.span, f"write '{side.text}' if it is a constant")
        return constant(context, attribute, side.text, side.span)
    if isinstance(side, CaseSide):
        return _lookup(context, side, scope, lambda value: _scalar(context, attribute, value, scope))
    if isinstance(side, EachSide) and side.first:
        return _each(context, attribute, side, scope)
    if isinstance(side, EraseSide):
        return Const(None, column_type(scalar_of(context, attribute)))
    if isinstance(side, ExprSide):
        want = JSON if column_type(scalar_of(context, attribute)) == JSON else None
        return converted(context, attribute, lower_expr(context, side.expr, scope, want), side.span)
    context.complain("M303", f"`{attribute.name}` takes one value, of type {attribute.type}", side.span, _ONE_VALUE)
    return Const(None, TEXT)
