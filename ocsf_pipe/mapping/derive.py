"""What no author writes: ids and names of the class, metadata, the record itself, observables."""

from __future__ import annotations

from collections.abc import Iterator

from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.leaves import Leaf, Leaves
from ocsf_pipe.ops.types import INTEGER, JSON, OBJECT, TEXT, TIMESTAMP, Type, list_of, object_of
from ocsf_pipe.plan.nodes import (
    Assign,
    Attr,
    Call,
    Const,
    Each,
    Frame,
    Get,
    Lookup,
    MakeList,
    MakeObject,
    Needs,
    Node,
    Path,
    Var,
)
from ocsf_pipe.schema import EventClass

OBSERVABLE = object_of(name=TEXT, type_id=INTEGER, type=TEXT, value=TEXT)


def derive(
    context: Context, kind: EventClass, leaves: Leaves, profiles: tuple[str, ...], *, with_unmapped: bool
) -> tuple[Assign, ...]:
    """Every derived attribute that the class has, in a stable order."""
    found = [*_class(kind, leaves), *_metadata(context, leaves, profiles), *_record(with_unmapped=with_unmapped)]
    if "datetime" in profiles and ("time",) in leaves:
        found.append((("time_dt",), Attr(("time",), INTEGER), TIMESTAMP))
    observables = _observables(context, kind, leaves) if "observables" in kind.attributes else None
    if observables is not None:
        found.append((("observables",), observables, observables.type))
    return tuple(Assign(path, value, type_) for path, value, type_ in found if path[0] in kind.attributes)


Derived = tuple[Path, Node, Type]


def _class(kind: EventClass, leaves: Leaves) -> Iterator[Derived]:
    yield ("class_uid",), Const(kind.uid, INTEGER), INTEGER
    yield ("class_name",), Const(kind.caption, TEXT), TEXT
    yield ("category_uid",), Const(kind.category_uid, INTEGER), INTEGER
    yield ("category_name",), Const(kind.category_caption, TEXT), TEXT
    activity = kind.attributes.get("activity_id")
    if activity is None or ("activity_id",) not in leaves:
        return
    of = Attr(("activity_id",), INTEGER)
    yield ("type_uid",), Call("add", (Const(kind.uid * 100, INTEGER), of), INTEGER), INTEGER
    names = tuple(
        (int(key), Const(f"{kind.caption}: {caption}", TEXT)) for key, caption in (activity.enum or {}).items()
    )
    yield ("type_name",), Lookup(of, names, None, TEXT), TEXT


def _metadata(context: Context, leaves: Leaves, profiles: tuple[str, ...]) -> Iterator[Derived]:
    yield ("metadata", "version"), Const(context.schema.version, TEXT), TEXT
    for key, value in sorted(context.mapping.product.items()):
        yield ("metadata", "product", key), Const(value, TEXT), TEXT
    if profiles:
        names = MakeList(tuple(Const(name, TEXT) for name in profiles), list_of(TEXT))
        yield ("metadata", "profiles"), names, list_of(TEXT)
        yield from _extensions(context, profiles)
    if ("metadata", "uid") not in leaves:
        yield ("metadata", "uid"), Frame("uid", TEXT), TEXT
    yield ("metadata", "processed_time"), Frame("clock", INTEGER), INTEGER


def _extensions(context: Context, profiles: tuple[str, ...]) -> Iterator[Derived]:
    """The extensions whose profiles are claimed, so that a reader knows what the event is to be checked against."""
    used = dict.fromkeys(ref for ref in map(context.schema.extension_of, profiles) if ref is not None)
    if not used:
        return
    kind = object_of(name=TEXT, uid=TEXT, version=TEXT)
    items = tuple(
        MakeObject(
            (("name", Const(ref.name, TEXT)), ("uid", Const(ref.uid, TEXT)), ("version", Const(ref.version, TEXT))),
            Needs(("version",)),
            kind,
        )
        for ref in used
    )
    yield ("metadata", "extensions"), MakeList(items, list_of(kind)), list_of(kind)


def _record(*, with_unmapped: bool) -> Iterator[Derived]:
    yield ("raw_data",), Frame("raw", TEXT), TEXT
    yield ("raw_data_size",), Frame("raw_size", INTEGER), INTEGER
    if with_unmapped:
        yield ("unmapped",), Frame("unmapped", JSON), JSON


def _observables(context: Context, kind: EventClass, leaves: Leaves) -> Node | None:
    """Every attribute that the schema calls an observable; those inside lists are named `list[].attribute`."""
    single: list[Node] = []
    lists: list[Node] = []
    for path, leaf in sorted(leaves.items()):
        if path[0] == "metadata" or leaf.value is None:
            continue
        if leaf.type.kind == "list":
            lists += _inside(context, kind, path, leaf)
        else:
            uid = context.schema.observable(kind.name, ".".join(path))
            if uid is not None:
                single.append(_observable(context, ".".join(path), uid, Attr(path, leaf.type)))
    if not single and not lists:
        return None
    together = MakeList(tuple(single), list_of(OBSERVABLE))
    if not lists:
        return together
    groups = MakeList((*([together] if single else []), *lists), list_of(list_of(OBSERVABLE)))
    return Call("flatten", (groups,), list_of(OBSERVABLE))


def _inside(context: Context, kind: EventClass, path: Path, leaf: Leaf) -> Iterator[Node]:
    item = leaf.type.item or TEXT
    element = context.fresh("o")
    text = ".".join(path)
    if item.kind != "object":
        uid = context.schema.observable(kind.name, text)
        if uid is not None:
            value = _observable(context, f"{text}[]", uid, Var(element, item))
            yield Each(Attr(path, leaf.type), element, None, None, value, first=False, type=list_of(OBSERVABLE))
        return
    for name, inner in item.fields:
        uid = context.schema.observable(kind.name, f"{text}.{name}")
        if uid is not None and inner.kind not in {"object", "list"}:
            value = _observable(context, f"{text}[].{name}", uid, Get(Var(element, OBJECT), name, inner))
            yield Each(Attr(path, leaf.type), element, None, None, value, first=False, type=list_of(OBSERVABLE))


def _observable(context: Context, name: str, uid: int, value: Node) -> Node:
    captions = context.schema.objects["observable"].attributes["type_id"].enum or {}
    text = value if value.type.kind in {"text", "ip"} else Call("to_text", (value,), TEXT)
    fields = (
        ("name", Const(name, TEXT)),
        ("type_id", Const(uid, INTEGER)),
        ("type", Const(captions.get(str(uid), "Other"), TEXT)),
        ("value", text),
    )
    return MakeObject(fields, Needs(("value",)), OBSERVABLE)
