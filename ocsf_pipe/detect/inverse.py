"""The value of an attribute read backwards: from the attribute to the source path that went into it.

One function for each kind of node of a plan; an op is passed through by what it declares as its inverse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ocsf_pipe.detect.readings import Inside, Keys, Place, Value
from ocsf_pipe.ops import OPS
from ocsf_pipe.ops.to_boolean import FALSE, TRUE
from ocsf_pipe.ops.types import INTEGER, TEXT
from ocsf_pipe.plan.nodes import (
    Call,
    Case,
    Const,
    Convert,
    Get,
    LetRef,
    Lookup,
    MakeList,
    MakeObject,
    Node,
    Path,
    Read,
)
from ocsf_pipe.plan.passes.consumed import reads

OTHER = 99
_TIMES = frozenset({"timestamp_t", "datetime_t"})
Lets = Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class Search:
    """One source path that is looked for, and the lets on the way.

    `sibling` is the text beside an enum's id; `also` are paths that mean the same.
    """

    path: Path
    lets: Lets
    sibling: Node | None = None
    also: frozenset[Path] = frozenset()

    def others(self, node: Node) -> bool:
        """Whether a part reads anything beside the path and those that mean the same."""
        return bool(reads(node, self.lets) - {self.path, *self.also})

    def hides(self, node: Node, here: Value) -> bool:
        """Whether a part is made of the path in a way that does not lead back."""
        return bool(reads(node, self.lets) & {self.path, *self.also}) and backwards(node, here, self) is None


def backwards(node: Node, here: Value, search: Search) -> Place | None:
    """Where the path stands, given that `node` has the value `here`; None where that does not tell."""
    match node:
        case Read(steps=steps, type=kind):
            return _read(tuple(map(str, steps)), kind.kind, here, search)
        case LetRef(name=name):
            return backwards(search.lets[name], here, search) if name in search.lets else None
        case Convert(value=value, to=to, type=kind):
            if to.name in _TIMES or kind.kind == "float":
                return None
            found = backwards(value, replace(here, lost=(*here.lost, "")), search)
            return _words(found) if kind.kind == "boolean" and value.type.kind == "text" else found
        case Call():
            return _call(node, here, search)
        case Case():
            return _case(node, here, search)
        case Lookup():
            return _lookup(node, here, search)
        case MakeList(items=(one,)):
            first = Call("list_first", (here.node,), here.node.type.item or TEXT)
            return backwards(one, replace(here, node=first, partial=True), search)
        case MakeObject(fields=fields):
            return _object(fields, here, search)
        case _:
            return None


def _read(steps: Path, kind: str, here: Value, search: Search) -> Place | None:
    if steps == search.path or steps in search.also:
        return here
    if kind == "json" and steps and steps == search.path[: len(steps)]:
        return Inside("attribute", search.path[len(steps) :], here.node)
    return None


def _words(found: Place | None) -> Place | None:
    """A boolean that was read from a text: the words that it may have been."""
    if not isinstance(found, Value) or found.node.type.kind != "boolean":
        return found
    told = (found.lost, found.shared, found.partial)
    return Keys(found.node, (("true", TRUE), ("false", FALSE)), (), None, True, *told)


def _object(fields: Sequence[tuple[str, Node]], here: Value, search: Search) -> Place | None:
    """The first part of an object that leads to the path as a whole; an object may be left out, so it is partial."""
    found: list[Place] = []
    for name, value in fields:
        part = Get(here.node, name, here.node.type.field(name) or TEXT)
        place = backwards(value, replace(here, node=part, partial=True), search)
        if place is not None:
            found.append(place)
    return min(found, key=lambda place: isinstance(place, Value) and place.shared, default=None)


def _call(node: Call, here: Value, search: Search) -> Place | None:
    if node.op == "coalesce":
        return _coalesce(node, here, search)
    if node.op == "nullif":
        lost = [arg.value for arg in node.args[1:] if isinstance(arg, Const)]
        return backwards(node.args[0], replace(here, lost=(*here.lost, *map(str, lost))), search)
    if node.op == "to_boolean":
        return _words(backwards(node.args[0], here, search))
    if node.op == "hex_to_integer":
        digits = Call("to_hex", (here.node,), TEXT)
        text = Call("concat_op", (Const("0x", TEXT), digits), TEXT)
        return backwards(node.args[0], replace(here, node=text, folded=True), search)
    inverse = OPS[node.op].inverse
    if inverse == "ignoring case" and node.op in {"lower", "upper"}:
        return backwards(node.args[0], replace(here, folded=True), search)
    if node.op in {"trim", "rtrim", "ltrim", "to_text"} or inverse == "equals":
        return backwards(node.args[0], here, search) if node.op != "eq" else None
    return None


def _coalesce(node: Call, here: Value, search: Search) -> Place | None:
    """The first argument that leads to the path; the others may be what the attribute holds."""
    for arg in node.args:
        found = backwards(arg, here, search)
        if found is None:
            continue
        rest = [other for other in node.args if other is not arg]
        if any(search.hides(other, here) for other in rest):
            return None
        if all(isinstance(other, Const) for other in rest):
            defaults = tuple(other.value for other in rest if isinstance(other, Const))
            return _without_default(found, defaults)
        if isinstance(found, Value | Keys) and any(search.others(other) for other in rest):
            found = replace(found, shared=True)
        return found
    return None


def _without_default(found: Place, defaults: tuple[object, ...]) -> Place:
    """An attribute that has a default where the source has nothing: the default says nothing of the source."""
    if isinstance(found, Keys):
        numbers = tuple(value for value in defaults if isinstance(value, int))
        return replace(found, vague=(*found.vague, *numbers))
    if isinstance(found, Value):
        kind = found.node.type
        empties = tuple(Const(value, kind) for value in defaults if isinstance(value, str | int))
        return replace(found, node=Call("nullif", (found.node, *empties), kind), partial=True)
    return found


def _case(node: Case, here: Value, search: Search) -> Place | None:
    """The branch that leads to the path; a branch of another path may be what the attribute holds."""
    branches = [value for _, value in node.arms] + ([node.otherwise] if node.otherwise is not None else [])
    found = [place for place in (backwards(value, here, search) for value in branches) if place is not None]
    if not found or any(search.hides(value, here) for value in branches):
        return None
    first = found[0]
    empty = node.otherwise is None or any(isinstance(value, Const) for value in branches)
    if isinstance(first, Value | Keys):
        shared = first.shared or any(search.others(value) for value in branches)
        first = replace(first, shared=shared, partial=first.partial or empty or shared)
        masks = tuple(v.value for v in branches if isinstance(v, Const) and isinstance(v.value, str))
        return replace(first, masks=(*first.masks, *masks)) if isinstance(first, Value) else first
    return first


def _lookup(node: Lookup, here: Value, search: Search) -> Place | None:
    if not node.table or not all(isinstance(v, Const) and isinstance(v.value, int) for _, v in node.table):
        return None
    if here.node.type != INTEGER:
        return None
    subject = backwards(node.subject, here, search)
    if not isinstance(subject, Value):
        return None
    texts: dict[int, list[str]] = {}
    for key, value in node.table:
        if isinstance(value, Const) and isinstance(value.value, int):
            texts.setdefault(value.value, []).append(str(key))
    vague = [number for number, keys in texts.items() if set(keys) & set(subject.masks)]
    vague += (
        [node.otherwise.value] if isinstance(node.otherwise, Const) and isinstance(node.otherwise.value, int) else []
    )
    return Keys(
        here.node,
        tuple((number, tuple(keys)) for number, keys in texts.items()),
        tuple(vague),
        search.sibling,
        subject.folded,
        subject.lost,
        subject.shared,
        subject.partial,
    )
