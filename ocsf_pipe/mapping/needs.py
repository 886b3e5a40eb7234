"""What each object of an event must hold, and complaints where a rule can never provide it."""

from __future__ import annotations

from collections.abc import Mapping

from ocsf_pipe.errors import Span
from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.leaves import DERIVED, Leaves
from ocsf_pipe.mapping.requirements import needs_of, remedy
from ocsf_pipe.mapping.syntax import Rule
from ocsf_pipe.plan.nodes import Needs, ObjectNeeds, Path
from ocsf_pipe.schema import Attribute, Constraints, EventClass

NONE = frozenset[str]()


def object_needs(
    context: Context, rule: Rule, kind: EventClass, leaves: Leaves, profiles: frozenset[str]
) -> tuple[ObjectNeeds, ...]:
    """The requirements of the event and of every object in it, innermost first, the event itself last."""
    paths = {leaf[:i] for leaf in leaves for i in range(1, len(leaf))} - {("metadata",)}
    found = []
    for path in sorted(paths, key=lambda p: (-len(p), p)):
        attribute = context.schema.attribute(rule.class_name, ".".join(path))
        inner = context.schema.objects[attribute.object_type or ""]
        span = next(leaf.span for at, leaf in leaves.items() if at[: len(path)] == path)
        needs = _checked(context, inner.attributes, inner.constraints, leaves, path, span, profiles)
        unknown = tuple(at[-1] for at, leaf in leaves.items() if at[:-1] == path and leaf.constant_unknown)
        if needs != Needs() or unknown:
            required = attribute.requirement == "required"
            found.append(ObjectNeeds(path, needs, required, unknown, span))
    whole = _checked(context, kind.attributes, kind.constraints, leaves, (), rule.span, profiles)
    return (*found, ObjectNeeds((), whole, True, (), rule.span))


def _checked(
    context: Context,
    attributes: Mapping[str, Attribute],
    constraints: Constraints,
    leaves: Leaves,
    path: Path,
    span: Span,
    profiles: frozenset[str],
) -> Needs:
    """The needs of one object, complaints included; what the compiler derives is not asked for.

    A constraint may name parts of parts: a patch state needs `device.os.version` or one of its neighbours.
    """
    needs = needs_of(attributes, constraints, profiles)
    depth = len(path)
    under = [at for at in leaves if at[:depth] == path]
    given = {".".join(at[depth:end]) for at in under for end in range(depth + 1, len(at) + 1)}
    where = f"`{'.'.join(path)}`" if path else "the event"
    asked = [
        name for name in needs.required if ".".join((*path, name)) not in DERIVED and (*path, name) != ("metadata",)
    ]
    for name in asked:
        if name not in given and (*path, name) not in context.excused:
            text = f"`{'.'.join((*path, name))}` is required and not mapped"
            context.complain("M305", text, span, remedy(attributes[name], path))
    for words, names in (("one of", needs.any_of), ("exactly one of", needs.just_one)):
        if names and not given & set(names) and not {(*path, *name.split(".")) for name in names} & context.excused:
            text = f"{where} needs {words} {', '.join(f'`{name}`' for name in names)}"
            context.complain("M307", text, span, f"map one of them, for example `{'.'.join((*path, names[0]))}`")
    return Needs(tuple(asked), needs.any_of, needs.just_one)
