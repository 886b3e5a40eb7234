"""What the schema asks of objects and scalars, in the plan's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.syntax import RULE_WORDS
from ocsf_pipe.ops.conversion import Scalar
from ocsf_pipe.ops.types import object_of
from ocsf_pipe.plan.nodes import Const, MakeObject, Needs, Node, Path
from ocsf_pipe.schema import Attribute, Constraints, ObjectType

if TYPE_CHECKING:
    from ocsf_pipe.mapping.leaves import Leaf


def scalar_of(context: Context, attribute: Attribute) -> Scalar:
    """The scalar type of an attribute with all it asks of values; a free-form object is JSON."""
    if attribute.object_type is not None:
        return Scalar("json_t", "json_t")
    kind = context.schema.type(attribute.type)
    low, high = kind.range or (None, None)
    values = tuple(attribute.enum) if attribute.enum and kind.base == "string_t" else ()
    return Scalar(kind.name, kind.base, kind.regex, kind.max_len, low, high, values)


def needs_of(
    attributes: Mapping[str, Attribute], constraints: Constraints, profiles: frozenset[str] | None = None
) -> Needs:
    """What an object with these attributes must hold, given the profiles in force (None: all of them)."""
    required = tuple(
        name
        for name, attribute in attributes.items()
        if attribute.requirement == "required" and in_force(attribute, profiles)
    )
    return Needs(required, constraints.at_least_one, constraints.just_one)


def in_force(attribute: Attribute, profiles: frozenset[str] | None) -> bool:
    """Whether an attribute belongs to events that claim these profiles."""
    return not attribute.profiles or profiles is None or bool(profiles & set(attribute.profiles))


def nest(context: Context, object_type: str, leaves: Mapping[Path, Leaf], prefix: Path = ()) -> Node:
    """The object inside a list that these leaves make, nested objects and their needs included."""
    kind = context.schema.objects[object_type]
    fields: dict[str, Node] = {}
    groups: dict[str, dict[Path, Leaf]] = {}
    for path, leaf in leaves.items():
        if leaf.value is None:
            continue
        if len(path) == 1:
            fields[path[0]] = leaf.value
        else:
            groups.setdefault(path[0], {})[path[1:]] = leaf
    for name, inner in groups.items():
        fields[name] = nest(context, kind.attributes[name].object_type or "", inner, (*prefix, name))
    needs = needs_of(kind.attributes, kind.constraints, frozenset())
    if leaves:
        _complain_of_element(
            context, kind, needs, set(fields) | {p[-1] for p in context.excused if p[:-1] == prefix}, leaves
        )
    if not fields:
        return Const(None, object_of())
    return MakeObject(tuple(fields.items()), needs, object_of(**{name: node.type for name, node in fields.items()}))


def _complain_of_element(
    context: Context, kind: ObjectType, needs: Needs, given: set[str], leaves: Mapping[Path, Leaf]
) -> None:
    """Complain about what elements of this type must have and never will."""
    span = next(leaf.span for leaf in leaves.values())
    for name in needs.required:
        if name not in given:
            text = f"an element of type `{kind.name}` requires `{name}`, which is not mapped"
            context.complain("M305", text, span, remedy(kind.attributes[name]))
    for words, names in (("one of", needs.any_of), ("exactly one of", needs.just_one)):
        if names and not given & set(names):
            text = f"an element of type `{kind.name}` needs {words} {', '.join(f'`{name}`' for name in names)}"
            context.complain("M307", text, span, f"map one of them, for example `{names[0]}`")


def remedy(attribute: Attribute, prefix: Path = ()) -> str:
    """What to write for a required attribute that is not mapped."""
    name = ".".join((*prefix, attribute.name))
    if name in RULE_WORDS:  # on a rule, `name:` is the name of the rule
        return f"map `{name}` under `every`: on a rule it is a word of the language"
    if attribute.enum and "0" in attribute.enum:
        return f"map it, or write `{name}: 'Unknown'`"
    return f"map `{name}`"
