"""`content:` of a mapping: which source paths are text that no event may hold, and what is said of it instead.

The sealed record that an engine is given says under `$content` what was sealed in it and under `$tier` how content is
kept. Here that becomes attributes: `enrichments`, one for each sealed text, and a label in `metadata.labels`.
"""

from __future__ import annotations

from dataclasses import replace

import yaml

from ocsf_pipe.errors import Span, did_you_mean
from ocsf_pipe.mapping.context import Context
from ocsf_pipe.mapping.expressions import lower_expr
from ocsf_pipe.mapping.leaves import Leaf, Leaves
from ocsf_pipe.mapping.reader import Reader
from ocsf_pipe.mapping.scope import Scope
from ocsf_pipe.mapping.syntax import (
    ConstantSide,
    ContentPath,
    EachSide,
    Entry,
    ExprSide,
    FieldType,
    Mapping,
    ObjectSide,
    PathExpr,
    Step,
)
from ocsf_pipe.ops.types import TEXT, list_of
from ocsf_pipe.plan.nodes import CONTENT, TIER, Call, Content, MakeList, Node, Path
from ocsf_pipe.schema import EventClass

WORDS = ("path", "kind", "keep")
KINDS = ("prompt", "response", "instructions", "reasoning", "tool_input", "tool_output", "document", "text")
"""What a text can be to a conversation; `text` where nothing is said."""
TOLD: tuple[Path, ...] = ((CONTENT,), (TIER,))
"""What a sealed record says of itself is consumed: it is never `unmapped`."""
_TYPE = "list({path: text, kind: text, hmac: text, seal: json})"
_FIELDS = (("name", "path"), ("type", "kind"), ("value", "hmac"), ("data", "seal"))


def content_of(reader: Reader, node: yaml.Node) -> ContentPath | None:
    """Read one item of `content`; complaints go to the reader."""
    found: dict[str, yaml.Node] = {"path": node}
    if isinstance(node, yaml.MappingNode):
        found = reader.known(node, "`content`", WORDS)
        reader.missing(found, ("path",), "`content`", node)
    kind = reader.text(found["kind"], "`kind`") if "kind" in found else "text"
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or "one of " + ", ".join(KINDS)
        reader.complain("M104", f"no content is a `{kind}`", reader.span(found["kind"]), hint)
    path = _keys(reader, found["path"]) if "path" in found else ()
    keep = tuple(_keys(reader, item) for item in reader.items(found["keep"], "`keep`")) if "keep" in found else ()
    return ContentPath(path, kind, tuple(one for one in keep if one), reader.span(node)) if path else None


def _keys(reader: Reader, node: yaml.Node) -> Path:
    """The keys of a path; lists are gone through, so `[*]` says nothing that a key does not."""
    return tuple(step.name for step in reader.path(node, "a path of `content`") if step.name is not None)


def plan_content(mapping: Mapping) -> tuple[Content, ...]:
    """What of the records of a mapping is content."""
    return tuple(Content(one.path, one.kind, one.keep) for one in mapping.content)


def with_told(context: Context) -> Mapping:
    """The mapping with what sealed records say of themselves as an attribute of its main rules.

    Complains where the author sets that attribute: it is derived then.
    """
    mapping = context.mapping
    if not mapping.content:
        return mapping
    for entry in (*mapping.every, *(entry for rule in mapping.rules for entry in rule.entries)):
        if entry.path[0] == "enrichments":
            context.complain("M306", "`enrichments` is derived where a mapping has content", entry.span, "leave it out")
    span = mapping.content[0].span
    entry = _enrichments(span)
    rules = tuple(rule if rule.also else replace(rule, entries=(*rule.entries, entry)) for rule in mapping.rules)
    declared = FieldType((CONTENT,), _TYPE, span, span)
    wanted = replace(mapping.input, fields=(*mapping.input.fields, declared))
    return replace(mapping, rules=rules, input=wanted)


def _enrichments(span: Span) -> Entry:
    provider = Entry(("provider",), ConstantSide("ocsf_pipe", span), span)
    read = tuple(Entry((name,), ExprSide(_path(key, span), span, key), span) for name, key in _FIELDS)
    told = ObjectSide((*read, provider), span)
    items = _path(CONTENT, span)
    return Entry(("enrichments",), EachSide(items, None, None, None, told, first=False, span=span), span)


def _path(key: str, span: Span) -> PathExpr:
    return PathExpr((Step(name=key),), span)


def tell_tier(context: Context, kind: EventClass, leaves: Leaves) -> None:
    """Add to the labels of an event how the content of its record is kept."""
    attribute = context.schema.objects["metadata"].attributes.get("labels")
    if not context.mapping.content or attribute is None or "metadata" not in kind.attributes:
        return
    path, span = ("metadata", "labels"), context.mapping.content[0].span
    tier: Node = MakeList((lower_expr(context, _path(TIER, span), Scope(context.record)),), list_of(TEXT))
    own = leaves.get(path)
    if own is not None and own.value is not None:
        both = MakeList((own.value, tier), list_of(list_of(TEXT)))
        leaves[path] = replace(own, value=Call("flatten", (both,), list_of(TEXT)))
    else:
        leaves[path] = Leaf(path, tier, list_of(TEXT), attribute, span)
