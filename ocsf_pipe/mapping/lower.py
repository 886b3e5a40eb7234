"""Checked syntax + OCSF schema → plan. Complaints about expressions and types are collected on the way."""

from __future__ import annotations

from dataclasses import replace

from ocsf_pipe.mapping.content import TOLD, plan_content, tell_tier, with_told
from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.derive import derive
from ocsf_pipe.mapping.expression import heads
from ocsf_pipe.mapping.expressions import condition_of, handle_of
from ocsf_pipe.mapping.leaves import Leaves
from ocsf_pipe.mapping.needs import object_needs
from ocsf_pipe.mapping.parse import path_text
from ocsf_pipe.mapping.scope import Handle, Scope
from ocsf_pipe.mapping.sealed import complain_of_sealed
from ocsf_pipe.mapping.shapes import Trie
from ocsf_pipe.mapping.sigma import sigma_route
from ocsf_pipe.mapping.syntax import (
    ConstantSide,
    EachSide,
    ExprSide,
    FieldType,
    Let,
    Rule,
    Step,
)
from ocsf_pipe.mapping.targets import each_node, lower_entries
from ocsf_pipe.mapping.types import TypeTextError, parse_type
from ocsf_pipe.ops.types import BOOLEAN, TEXT, Type
from ocsf_pipe.plan.nodes import Assign, Call, Const, Frame, LetRef, Node, Path, Plan, Route, Var
from ocsf_pipe.plan.passes.consumed import consumed, reads
from ocsf_pipe.plan.passes.failures import failure
from ocsf_pipe.schema import Attribute, EventClass

Named = tuple[str, Node]


def lower(context: Context) -> Plan:
    """The whole plan. It is only to be used where the context holds no complaint afterwards."""
    mapping = context.mapping = with_told(context)
    for declared in mapping.input.fields:
        _declare(context, declared)
    scope, lets = _lets(context, Scope(context.record))
    recognise = mapping.input.recognise
    plan = Plan(
        mapping=mapping.name,
        version=mapping.ocsf,
        format=mapping.input.format,
        settings=dict(mapping.input.settings),
        records=tuple(step.name if step.name is not None else "*" for step in mapping.input.records),
        recognise=condition_of(context, recognise, scope) if recognise is not None else None,
        shape=context.record.shape(),
        lets=lets,
        drops=tuple((drop.why, condition_of(context, drop.when, scope)) for drop in mapping.drops),
        routes=tuple(_route(context, rule, scope, lets) for rule in mapping.rules),
        file=mapping.file,
        title=mapping.title,
        content=plan_content(mapping),
    )
    plan = replace(plan, sigma=tuple(sigma_route(context, route, plan.routes) for route in mapping.sigma))
    _unused(context, scope)
    _left_and_read(context)
    complain_of_sealed(context, plan)
    return replace(plan, shape=context.record.shape())


def _declare(context: Context, declared: FieldType) -> None:
    try:
        kind = parse_type(declared.type_text)
    except TypeTextError as error:
        context.complain("M207", str(error), declared.span, error.hint)
        return
    context.record.at(declared.path).declare(kind)


def _lets(context: Context, scope: Scope) -> tuple[Scope, tuple[Named, ...]]:
    """Bind every let in order: values are computed once, objects are spelled out where they are used."""
    lets: list[Named] = []
    for let in context.mapping.lets:
        value = _let_value(context, let, scope)
        if value is None:
            scope.macros[let.name] = let.value
            continue
        node, trie_of = value
        lets.append((let.name, node))
        scope.names[let.name] = Handle(LetRef(let.name, node.type), trie_of.trie)
    return scope, tuple(lets)


def _let_value(context: Context, let: Let, scope: Scope) -> tuple[Node, Handle] | None:
    """The node of a let that is a value, with the place its parts are read from; None for objects and cases."""
    if isinstance(let.value, ExprSide):
        handle = handle_of(context, let.value.expr, scope)
        if handle.trie is None and not handle.keys:
            return handle.node, Handle(handle.node)
        return None
    if isinstance(let.value, ConstantSide):
        return Const(let.value.text, TEXT), Handle(Const(None, TEXT))
    if isinstance(let.value, EachSide) and let.value.value is None:
        node, inner = each_node(context, let.value, scope)
        bound = inner.names[let.value.name] if let.value.name else inner.element
        if not let.value.first:  # the elements that satisfy `where`: a list as long as it is not empty
            place = bound.trie if bound is not None else None
            return node, Handle(node, Trie(uses={"list"}, element=place) if place is not None else None)
        return node, bound or Handle(node)
    return None


def _unused(context: Context, scope: Scope) -> None:
    for let in context.mapping.lets:
        if let.name not in scope.used:
            context.complain("M405", f"nothing uses `{let.name}`", let.span, "take it away")
    for declared in context.mapping.input.fields:
        place = context.record.at(declared.path)
        if place.declared is not None and not place.is_used():
            text = f"nothing reads `{source_text(declared.path)}`"
            context.complain("M405", text, declared.path_span, "take the declaration away, or mend its path")


def _left_and_read(context: Context) -> None:
    """Complain about what `leave` names though every rule consumes it by reading it."""
    rules = [context.consumed[rule.name] for rule in context.mapping.rules if rule.name in context.consumed]
    for leave in context.mapping.leave if rules else ():
        over = {leave.path[:i] for i in range(1, len(leave.path) + 1)}
        if all(over & read for read in rules):
            text = f"`{source_text(leave.path)}` is left, and every rule reads it"
            context.complain("M404", text, leave.span, "take it away: what is read is consumed")


def _route(context: Context, rule: Rule, scope: Scope, lets: tuple[Named, ...]) -> Route:
    kind = context.schema.classes.get(rule.class_name)
    inner, for_each, when = _fan_out(context, rule, scope)
    if kind is None:  # said by a check of its own
        return Route(rule.name, rule.class_name, 0, when, rule.also, None, (), (), (), (), (), ())
    context.locals = []
    context.excused = set()
    leaves = _leaves(context, rule, kind, inner)
    tell_tier(context, kind, leaves)
    fans = rule.also or for_each is not None
    profiles = _profiles(context, kind, leaves)
    objects = object_needs(context, rule, kind, leaves, frozenset(profiles))
    named = dict([*lets, *context.locals])
    assigns = _assigns(leaves, rule if fans else None, named)
    derived = derive(context, kind, leaves, profiles, with_unmapped=not rule.also)
    read = consumed([a.value for a in assigns], named)
    context.consumed[rule.name] = read
    left = [leave.path for leave in context.mapping.leave] + list(TOLD if context.mapping.content else ())
    return Route(
        name=rule.name,
        class_name=rule.class_name,
        class_uid=kind.uid,
        when=when,
        also=rule.also,
        for_each=for_each,
        assigns=assigns,
        objects=objects,
        derived=_own_uids(derived, rule) if fans else derived,
        locals=tuple(context.locals),
        consumed=tuple(sorted({*read, *left})),
        profiles=profiles,
        span=rule.span,
    )


def _fan_out(context: Context, rule: Rule, scope: Scope) -> tuple[Scope, tuple[str, Node] | None, Node | None]:
    """The scope inside a rule, the list it goes over, and its condition.

    A condition that reads the element is asked of each element: the rule holds where one satisfies it.
    """
    if rule.for_each is None:
        return scope, None, condition_of(context, rule.when, scope) if rule.when is not None else None
    name, items = rule.for_each.name, rule.for_each.items
    by_element = rule.when is not None and name in heads(rule.when)
    side = EachSide(items, name, None, rule.when if by_element else None, None, first=False, span=rule.for_each.span)
    found, inner = each_node(context, side, scope)
    element = context.fresh("el")
    bound = inner.names[name]
    kept = scope.bind(name, Handle(Var(element, bound.node.type), bound.trie))
    kept = replace(kept, depth=scope.depth)
    if by_element:
        return kept, (element, found), Call("is_not_null", (found,), BOOLEAN)
    when = condition_of(context, rule.when, scope) if rule.when is not None else None
    return kept, (element, found.items), when


def _leaves(context: Context, rule: Rule, kind: EventClass, scope: Scope) -> Leaves:
    """`every`, then the rule's own lines over it, leaf by leaf; `null` takes a whole part away."""
    replaced = {e.path for e in rule.entries}
    every = [
        e
        for e in context.mapping.every
        # what one class lacks is not set there (a check looks for what none has), and
        # an enum of the same name may have other captions in this class: what is replaced is not even looked at
        if e.path[0] in kind.attributes and not (e.path in replaced and not kind.attributes[e.path[0]].object_type)
    ]
    leaves = lower_entries(context, rule.class_name, kind.attributes, every, scope)
    own = lower_entries(context, rule.class_name, kind.attributes, rule.entries, scope)
    for path, leaf in own.items():
        if leaf.value is None or leaf.type.kind == "list":
            for other in [p for p in leaves if p[: len(path)] == path]:
                del leaves[other]
        if leaf.value is not None:
            leaves[path] = leaf
    return {path: leaf for path, leaf in leaves.items() if leaf.value is not None}


def _profiles(context: Context, kind: EventClass, leaves: Leaves) -> tuple[str, ...]:
    """The profiles that the attributes in use belong to, those that the class itself lists."""
    found: set[str] = {"datetime"} & set(kind.profiles)

    def claim(attribute: Attribute) -> None:
        owners = [profile for profile in attribute.profiles if profile in kind.profiles]
        # OCSF's own profile before that of an extension: who has no extension still knows these attributes
        owners = [profile for profile in owners if "/" not in profile] or owners
        if owners and not found & set(owners):
            found.add(owners[0])

    def claim_inside(attribute: Attribute, type_: Type) -> None:
        """Elements of a list are one leaf, whatever is in them."""
        item = type_.item if type_.kind == "list" else type_
        if attribute.object_type is None or item is None or item.kind != "object":
            return
        attributes = context.schema.objects[attribute.object_type].attributes
        for name, inner in item.fields:
            if name in attributes:
                claim(attributes[name])
                claim_inside(attributes[name], inner)

    for leaf in leaves.values():
        claim(leaf.attribute)
        claim_inside(leaf.attribute, leaf.type)
    for path in leaves:
        attributes = kind.attributes
        for name in path[:-1]:
            claim(attributes[name])
            attributes = context.schema.objects[attributes[name].object_type or ""].attributes
    return tuple(sorted(found))


def _assigns(leaves: Leaves, fanned: Rule | None, named: dict[str, Node]) -> tuple[Assign, ...]:
    assigns = []
    for path, leaf in sorted(leaves.items()):
        value = leaf.value or Const(None, leaf.type)
        failed = failure(value)
        if path == ("metadata", "uid"):
            value = Call("coalesce", (value, Frame("uid", TEXT)), TEXT)  # a record without the id that its source gives
            value = _own_uid(value, fanned) if fanned is not None else value
        sources = tuple(sorted(reads(value, named)))
        assigns.append(Assign(path, value, leaf.type, failed, leaf.attribute.type, sources, leaf.span))
    return tuple(assigns)


def _own_uids(derived: tuple[Assign, ...], rule: Rule) -> tuple[Assign, ...]:
    """The derived attributes of a rule that fans out: the id that the record gives is not enough for its events."""
    return tuple(replace(a, value=_own_uid(a.value, rule)) if a.path == ("metadata", "uid") else a for a in derived)


def _own_uid(uid: Node, rule: Rule) -> Node:
    """An id of its own for each event of a rule that fans out: `<uid>#<rule>` or `<uid>#<rule>.<n>`."""
    tail: Node = Const(f"#{rule.name}", TEXT)
    if rule.for_each is not None:
        number = Frame("element", TEXT)
        tail = Call("concat_op", (Const(f"#{rule.name}.", TEXT), number), TEXT)
    return Call("concat_op", (uid, tail), TEXT)


def source_text(path: Path) -> str:
    """A source path as the author writes it."""
    return path_text(tuple(Step(name=name) for name in path))
