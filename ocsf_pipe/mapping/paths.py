"""Paths → nodes: through variables, lets and elements, into the record, into JSON."""

from __future__ import annotations

from ocsf_pipe.errors import Span
from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.scope import Handle, Scope
from ocsf_pipe.mapping.shapes import Trie, Use
from ocsf_pipe.mapping.syntax import PathExpr, Step
from ocsf_pipe.ops.conversion import Scalar
from ocsf_pipe.ops.types import INTEGER, JSON, NULL, OBJECT, TEXT, Type, list_of
from ocsf_pipe.plan.nodes import Call, Const, Convert, Each, Get, Node, Read, Var

DECLARED = {
    "integer": Scalar("long_t", "long_t"),
    "float": Scalar("float_t", "float_t"),
    "boolean": Scalar("boolean_t", "boolean_t"),
    "timestamp": Scalar("timestamp_t", "long_t"),
    "ip": Scalar("ip_t", "string_t"),
}


def start(path: PathExpr, scope: Scope) -> tuple[Handle, tuple[Step, ...]]:
    """What the first word means, and the steps that are left."""
    if path.head in scope.names:
        scope.used.add(path.head)
        return scope.names[path.head], path.steps[1:]
    if scope.element is not None:
        return scope.element, path.steps
    return Handle(Read((), OBJECT), scope.record), path.steps


def walk(context: Context, handle: Handle, steps: tuple[Step, ...], span: Span) -> Handle:
    """Follow the steps; complains where a value has no parts."""
    for i, step in enumerate(steps):
        if step.star:
            return Handle(_every(context, handle, steps[i + 1 :], span))
        if step.index is not None:
            items = as_list(context, handle, span)
            position = Const(step.index + 1, INTEGER)
            item = handle.trie.item() if handle.trie is not None else None
            kind = OBJECT if item is not None else items.type.item or JSON
            handle = Handle(Call("list_get", (items, position), kind), item)
        else:
            handle = _key(context, handle, step.name or "", span)
    return handle


def _key(context: Context, handle: Handle, name: str, span: Span) -> Handle:
    trie, node = handle.trie, handle.node
    if trie is not None and trie.declared is not None and trie.declared.kind == "json":
        handle = Handle(finish(context, handle, span, "json"))
        trie, node = None, handle.node
    if trie is not None:
        clash = trie.clash("object")
        if clash is not None:
            _clash(context, node, clash, "object", span)
        below = trie.child(name)
        if isinstance(node, Read):
            return Handle(Read((*node.steps, name), OBJECT), below)
        return Handle(Get(node, name, OBJECT), below)
    if handle.keys or node.type.kind == "json":
        return Handle(node, None, (*handle.keys, name))
    found = node.type.field(name)
    if found is None:
        if node.type.kind != "null":
            text = f"`{name}` is read from a value of type {node.type}, which has no such part"
            context.complain("M204", text, span, "`parse_json(…)` makes parts of a text, `[*]` reads those of a list")
        return Handle(Const(None, NULL))
    return Handle(Get(node, name, found))


def _every(context: Context, handle: Handle, rest: tuple[Step, ...], span: Span) -> Node:
    items = as_list(context, handle, span)
    name = context.fresh("e")
    item = handle.trie.item() if handle.trie is not None else None
    element = Handle(Var(name, OBJECT if item is not None else items.type.item or JSON), item)
    nested = any(step.star for step in rest)
    inner = walk(context, element, rest, span)
    value = inner.node if nested else finish(context, inner, span)
    result = list_of(value.type)
    mapped = Each(items, name, None, None, value, first=False, type=result)
    return Call("flatten", (mapped,), value.type) if nested else mapped


def elements(context: Context, handle: Handle, steps: tuple[Step, ...], span: Span) -> tuple[Node, Trie | None]:
    """The list that a path names where something goes over its elements, and the place of one element.

    There a last `[*]` says nothing new, and one further in flattens: `messages[*].parts[*]` are all parts.
    """
    stars = [i for i, step in enumerate(steps) if step.star]
    if not stars:
        whole = walk(context, handle, steps, span)
        return as_list(context, whole, span), element_trie(whole)
    outer = walk(context, handle, steps[: stars[0]], span)
    items, place = as_list(context, outer, span), element_trie(outer)
    rest = steps[stars[0] + 1 :]
    if not rest:
        return items, place
    name = context.fresh("e")
    element = Handle(Var(name, OBJECT if place is not None else items.type.item or JSON), place)
    if len(stars) == 1:
        inner = walk(context, element, rest, span)
        value = inner.node if inner.trie is not None else finish(context, inner, span, "json")
        return Each(items, name, None, None, value, first=False, type=list_of(value.type)), inner.trie
    value, place = elements(context, element, rest, span)
    mapped = Each(items, name, None, None, value, first=False, type=list_of(value.type))
    return Call("flatten", (mapped,), value.type), place


def as_list(context: Context, handle: Handle, span: Span) -> Node:
    """The value read as a list; complains where it cannot be one."""
    if handle.trie is not None:
        clash = handle.trie.clash("list")
        if clash is not None:
            _clash(context, handle.node, clash, "list", span)
        handle.trie.item()
        return _typed(handle.node, list_of(OBJECT))
    if handle.keys or handle.node.type.kind == "json":
        return Call("json_list", (_json(handle, JSON),), list_of(JSON))
    if handle.node.type.kind not in {"list", "null"}:
        hint = "`split_all(…)` makes a list of a text, `parse_json(…)` of one that holds JSON"
        context.complain("M204", f"expected a list, got {handle.node.type}", span, hint)
        return Const(None, list_of(NULL))
    return handle.node if handle.node.type.kind == "list" else Const(None, list_of(NULL))


def as_document(context: Context, handle: Handle, span: Span) -> Node:
    """The value as the text of a JSON document: an object as its JSON, a text as itself."""
    if handle.trie is None or not handle.trie.is_free() or handle.trie.declared is not None:
        return finish(context, handle, span)
    return _typed(handle.node, TEXT)


def as_texts(context: Context, handle: Handle, span: Span) -> Node:
    """The value as a list of texts."""
    items = as_list(context, handle, span)
    if handle.trie is None:
        return items
    handle.trie.item().uses.add("text")
    return _typed(items, list_of(TEXT))


def finish(context: Context, handle: Handle, span: Span, use: Use | None = None) -> Node:
    """The value itself: text, unless the author declared something else or `use` asks for JSON."""
    trie = handle.trie
    if trie is None:
        if handle.keys:
            return _json(handle, JSON if use == "json" else TEXT)
        return handle.node
    declared = trie.declared.kind if trie.declared is not None else None
    if declared == "list":
        return as_texts(context, handle, span)
    wanted: Use = "json" if use == "json" or declared == "json" else "text"
    clash = trie.clash(wanted)
    if clash is not None:
        _clash(context, handle.node, clash, wanted, span)
    trie.uses.add(wanted)
    node = _typed(handle.node, JSON if wanted == "json" else TEXT)
    scalar = DECLARED.get(declared or "")
    if scalar is None or wanted == "json":
        return node
    return Convert(node, scalar, Type(declared))  # type: ignore[arg-type]


def _json(handle: Handle, kind: Type) -> Node:
    if not handle.keys:
        return handle.node
    path = "$" + "".join(f'."{key}"' for key in handle.keys)
    op = "json_get_json" if kind == JSON else "json_get"
    return Call(op, (handle.node, Const(path, TEXT)), kind)


def _typed(node: Node, kind: Type) -> Node:
    if isinstance(node, Read):
        return Read(node.steps, kind)
    if isinstance(node, Get):
        return Get(node.of, node.name, kind)
    if isinstance(node, Var):
        return Var(node.name, kind)
    if isinstance(node, Call):
        return Call(node.op, node.args, kind)
    return node


def _clash(context: Context, node: Node, one: Use, two: Use, span: Span) -> None:
    steps = node.steps if isinstance(node, Read) else (node.name,) if isinstance(node, (Get, Var)) else ()
    text = ".".join(map(str, steps))
    where = "under `input.fields`" if isinstance(node, Read) else "in the type of its list, under `input.fields`,"
    hint = f"declare `{text}: json` {where} and read its parts from there"
    context.complain("M403", f"`{text}` is read as {one} and as {two}", span, hint)


def element_trie(handle: Handle) -> Trie | None:
    """The place of the elements of a list that has a place."""
    return handle.trie.item() if handle.trie is not None else None
