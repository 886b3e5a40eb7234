"""When a value has failed: something was there, and a conversion made null of it."""

from __future__ import annotations

from ocsf_pipe.ops import OPS
from ocsf_pipe.ops.conversion import limits
from ocsf_pipe.ops.types import BOOLEAN, TEXT
from ocsf_pipe.plan.nodes import Call, Case, Const, Convert, Each, Lookup, MakeList, MakeObject, Node

FALSE = Const(value=False, type=BOOLEAN)
_BEST_OF = frozenset({"coalesce"})


def failure(node: Node) -> Node | None:
    """The condition under which `node` failed; None where it never does.

    Follows the value: a branch that was not taken cannot fail, and of a `coalesce` only the whole can.
    """
    match node:
        case Convert(value=value):
            inner = failure(value)
            own = _all(_there(value), _null(node)) if _may_fail(node) else None
            return _any(inner, own)
        case Call(op=op, args=args):
            inner = _any(*(failure(arg) for arg in args))
            if op in _BEST_OF:
                return None if inner is None else _all(_null(node), inner)
            own = _all(*(_there(arg) for arg in args if not isinstance(arg, Const)), _null(node))
            return _any(inner, own) if OPS[op].fails else inner
        case Case(arms=arms, otherwise=otherwise):
            return _branches(node, [failure(value) for _, value in arms], otherwise)
        case Lookup(table=table, otherwise=otherwise):
            return _branches(node, [failure(value) for _, value in table], otherwise)
        case Each(items=items, value=value, where=where, name=name, at=at):
            inner = failure(value)
            if inner is None:
                return None
            # true for the elements that failed: any such element makes the list fail
            failed = Each(items, name, at, _all_or(where, inner), Const(value=True, type=BOOLEAN), False, node.type)
            return _null(failed, "is_not_null")
        case MakeObject(fields=fields):
            return _any(*(failure(value) for _, value in fields))
        case MakeList(items=items):
            return _any(*(failure(value) for value in items))
        case _:
            return None


def _may_fail(node: Convert) -> bool:
    """Whether some value does not convert; text becomes text always, unless its type asks something of it."""
    scalar = node.to
    asks = bool(scalar.regex or scalar.values) or scalar.max_len is not None or limits(scalar) != (None, None)
    return scalar.base != "json_t" and (asks or node.value.type != node.type)


def _branches(node: Case | Lookup, found: list[Node | None], otherwise: Node | None) -> Node | None:
    rest = failure(otherwise) if otherwise is not None else None
    if rest is None and all(one is None for one in found):
        return None
    values = [one if one is not None else FALSE for one in found]
    if isinstance(node, Case):
        arms = tuple((condition, value) for (condition, _), value in zip(node.arms, values, strict=True))
        return Case(arms, rest or FALSE, BOOLEAN)
    table = tuple((key, value) for (key, _), value in zip(node.table, values, strict=True))
    return Lookup(node.subject, table, rest or FALSE, BOOLEAN)


def _there(value: Node) -> Node:
    """Whether there was something to convert: empty text is nothing."""
    if value.type.kind == "text":
        return Call("ne", (value, Const("", TEXT)), BOOLEAN)
    return _null(value, "is_not_null")


def _null(node: Node, op: str = "is_null") -> Node:
    return Call(op, (node,), BOOLEAN)


def _all(*parts: Node) -> Node:
    whole = parts[0]
    for part in parts[1:]:
        whole = Call("and_", (whole, part), BOOLEAN)
    return whole


def _all_or(where: Node | None, inner: Node) -> Node:
    return inner if where is None else _all(where, inner)


def _any(*parts: Node | None) -> Node | None:
    found = [part for part in parts if part is not None]
    if not found:
        return None
    whole = found[0]
    for part in found[1:]:
        whole = Call("or_", (whole, part), BOOLEAN)
    return whole
