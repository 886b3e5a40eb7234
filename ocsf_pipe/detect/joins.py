r"""One source path that went into two attributes, or into a list: put together again.

domain ‖ '\' ‖ name      a text that was split in two
key ‖ '\' ‖ value         a path of which the last part was cut off
a list joined             a text that was split at a separator
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ocsf_pipe.detect.inverse import Lets, Search, backwards
from ocsf_pipe.detect.readings import Keys, Value
from ocsf_pipe.ops.types import TEXT, Type, list_of
from ocsf_pipe.plan.nodes import Assign, Attr, Call, Case, Const, Convert, Each, Get, LetRef, Lookup, Node, Var

_FOLDERS, _LAST = r"^(.*)[\\][^\\]*$", r"[^\\]+$"


def joined(assigns: Sequence[Assign], search: Search) -> Value | None:
    """The path as a join of attributes of the rule; None where there is no such join."""
    return _of_two(assigns, search) or _of_path(assigns, search) or _of_list(assigns, search)


def bare(node: Node, lets: Lets) -> Node:
    """The node behind lets, conversions and `nullif`."""
    while True:
        if isinstance(node, LetRef) and node.name in lets:
            node = lets[node.name]
        elif isinstance(node, Convert):
            node = node.value
        elif isinstance(node, Call) and node.op == "nullif":
            node = node.args[0]
        else:
            return node


def _of_two(assigns: Sequence[Assign], search: Search) -> Value | None:
    """`coalesce(split(x, s, 2), x)` beside `split(x, s, 1)`."""
    heads: dict[str, Attr] = {}
    tails: dict[str, Attr] = {}
    lost: tuple[str, ...] = ()
    for assign in assigns:
        node = bare(assign.value, search.lets)
        part = _part(node, search)
        if part is None:
            continue
        separator, position, empties = part
        found = heads if position == 1 else tails
        if separator not in found or len(assign.path) < len(found[separator].path):
            found[separator] = Attr(assign.path, TEXT)
        lost = empties
    for separator, tail in tails.items():
        if separator in heads and heads[separator].path[:-1] == tail.path[:-1]:
            both = _concat(heads[separator], Const(separator, TEXT), tail)
            return Value(Call("coalesce", (both, tail), TEXT), lost=(*lost, ""))
    return None


def _part(node: Node, search: Search) -> tuple[str, int, tuple[str, ...]] | None:
    """The separator and the position, where the node is a part of the path's text."""
    if isinstance(node, Case) and isinstance(node.otherwise, Const) and len(node.arms) == 1:
        node = node.arms[0][1]
    if isinstance(node, Call) and node.op == "coalesce":
        node = node.args[0]
    if not isinstance(node, Call) or node.op != "split":
        return None
    whole = backwards(node.args[0], Value(Const(None, TEXT)), search)
    separator, position = node.args[1], node.args[2]
    if not isinstance(whole, Value) or whole.shared or not isinstance(separator, Const):
        return None
    at = position.value if isinstance(position, Const) else None
    return (str(separator.value), at, whole.lost) if isinstance(at, int) and at in {1, 2} else None


def _of_path(assigns: Sequence[Assign], search: Search) -> Value | None:
    """The folders of a Windows path in one attribute, its last part in another."""
    found: dict[str, Attr] = {}
    lost: tuple[str, ...] = ()
    for assign in assigns:
        node = bare(assign.value, search.lets)
        if isinstance(node, Call) and node.op == "coalesce":
            node = node.args[0]
        if not isinstance(node, Call) or node.op != "regex_extract" or not isinstance(node.args[1], Const):
            continue
        whole = backwards(node.args[0], Value(Const(None, TEXT)), search)
        if isinstance(whole, Value) and not whole.shared:
            lost = whole.lost
            found.setdefault(str(node.args[1].value), Attr(assign.path, TEXT))
    if _FOLDERS not in found or _LAST not in found:
        return None
    return Value(_concat(found[_FOLDERS], Const("\\", TEXT), found[_LAST]), lost=(*lost, ""))


def _of_list(assigns: Sequence[Assign], search: Search) -> Value | None:
    """`each: split_all(x, s)`: the elements, put back together, with the separator between them."""
    for assign in sorted(assigns, key=lambda a: len(a.path)):
        node = bare(assign.value, search.lets)
        if not isinstance(node, Each) or node.first:
            continue
        items = bare(node.items, search.lets)
        if not isinstance(items, Call) or items.op != "split_all" or not isinstance(items.args[1], Const):
            continue
        whole = backwards(items.args[0], Value(Const(None, TEXT)), search)
        if not isinstance(whole, Value):
            continue
        element = _element(node, assign.type)
        if element is None:
            continue
        texts = Each(Attr(assign.path, assign.type), "one", None, None, element, first=False, type=list_of(TEXT))
        text = Call("list_join", (texts, items.args[1]), TEXT)
        return Value(text, folded=True, lost=(*whole.lost, ""), shared=whole.shared, partial=True)
    return None


def _element(node: Each, kind: Type) -> Node | None:
    """The text of one element, from the fields of the object that was made of it."""
    item = Var("one", kind.item or TEXT)
    if kind.item is None or kind.item.kind != "object":
        return item if isinstance(bare(node.value, {}), Var) else None
    parts: dict[int, Node] = {}
    separator: Const | None = None
    for name, value in getattr(node.value, "fields", ()):
        got = _of_element(value, Get(item, name, kind.item.field(name) or TEXT))
        if got is not None:
            parts.setdefault(got[0], got[2])
            separator = got[1]
    if separator is None or 1 not in parts or 2 not in parts:
        return None
    return _concat(parts[1], separator, parts[2])


def _of_element(value: Node, here: Node) -> tuple[int, Const, Node] | None:
    """Position, separator and text of one part of an element: `MD5=…` as algorithm and value."""
    table: Mapping[str, str] = {}
    node = value
    while True:
        if isinstance(node, Call) and node.op == "coalesce" and isinstance(node.args[-1], Const):
            node = node.args[0]
        elif isinstance(node, Lookup):
            texts = {str(v.value): str(k) for k, v in node.table if isinstance(v, Const) and isinstance(v.value, str)}
            if not texts:
                return None
            table, node = texts, node.subject
        elif isinstance(node, Convert):
            node = node.value
        elif isinstance(node, Call) and node.op in {"lower", "upper", "trim"}:
            node = node.args[0]
        else:
            break
    if not isinstance(node, Call) or node.op != "split" or not isinstance(node.args[1], Const):
        return None
    at = node.args[2].value if isinstance(node.args[2], Const) else None
    if table:
        arms = tuple((caption, Const(key, TEXT)) for caption, key in table.items())
        here = Lookup(here, arms, here, TEXT)
    return (at, node.args[1], here) if isinstance(at, int) else None


def _concat(first: Node, separator: Node, second: Node) -> Node:
    return Call("concat_op", (Call("concat_op", (first, separator), TEXT), second), TEXT)


__all__ = ["Keys", "joined"]
