"""`content:` of a mapping: which source paths are text that no event may hold, and what is said of it instead.

The sealed record that an engine is given says under `$content` what was sealed in it and under `$tier` how content is
kept. Here that becomes attributes: `content_list` and `content_tier_id` of our extension, and, of releases that it is
not for, `enrichments` and a label in `metadata.labels`.
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
    CaseSide,
    ConstantSide,
    ContentPath,
    EachSide,
    Entry,
    ExprSide,
    FieldType,
    Mapping,
    ObjectSide,
    PathExpr,
    Rule,
    Step,
)
from ocsf_pipe.ops.types import TEXT, list_of
from ocsf_pipe.plan.nodes import CONTENT, TIER, Call, Content, MakeList, Node, Path
from ocsf_pipe.schema import EventClass

WORDS = ("path", "kind", "keep")
PARTS = {
    "prompt": "Prompt",
    "response": "Response",
    "instructions": "Instructions",
    "reasoning": "Reasoning",
    "tool_input": "Tool Input",
    "tool_output": "Tool Output",
    "document": "Document",
    "text": "Unknown",
}
"""The captions of `content_part_id`, by kind."""
TOLD: tuple[Path, ...] = ((CONTENT,), (TIER,))
"""What a sealed record says of itself is consumed: it is never `unmapped`."""
_ENTRY = "path: text, kind: text, hmac: text, algorithm: text"
_OLDER = f"list({{{_ENTRY}, seal: json}})"
_ENRICHMENT = (("name", "path"), ("type", "kind"), ("value", "hmac"), ("data", "seal"))


def content_of(reader: Reader, node: yaml.Node) -> ContentPath | None:
    """Read one item of `content`; complaints go to the reader."""
    found: dict[str, yaml.Node] = {"path": node}
    if isinstance(node, yaml.MappingNode):
        found = reader.known(node, "`content`", WORDS)
        reader.missing(found, ("path",), "`content`", node)
    kind = reader.text(found["kind"], "`kind`") if "kind" in found else "text"
    if kind not in PARTS:
        hint = did_you_mean(kind, PARTS) or "one of " + ", ".join(PARTS)
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
    """The mapping with what sealed records say of themselves as attributes; what the author sets himself stands."""
    mapping = context.mapping
    if not mapping.content:
        return mapping
    span = mapping.content[0].span
    rules = tuple(_telling(context, rule, span) for rule in mapping.rules)
    if any(_has(context, rule, "content_list") for rule in rules):
        return replace(mapping, rules=rules)
    declared = FieldType((CONTENT,), _OLDER, span, span)
    wanted = replace(mapping.input, fields=(*mapping.input.fields, declared))
    return replace(mapping, rules=rules, input=wanted)


def _has(context: Context, rule: Rule, attribute: str) -> bool:
    kind = context.schema.classes.get(rule.class_name)
    return kind is not None and attribute in kind.attributes


def _telling(context: Context, rule: Rule, span: Span) -> Rule:
    """The rule with the list of what was sealed, unless it is emitted beside another, and how content is kept."""
    newer = _has(context, rule, "content_list")
    entries = [] if rule.also else [_content_list(span) if newer else _enrichments(span)]
    if _has(context, rule, "content_tier_id"):
        entries.append(_tier(span))
    set_already = {entry.path[0] for entry in (*context.mapping.every, *rule.entries)}
    return replace(rule, entries=(*rule.entries, *(one for one in entries if one.path[0] not in set_already)))


def _each(attribute: str, entries: tuple[Entry, ...], span: Span) -> Entry:
    told = ObjectSide(entries, span)
    return Entry((attribute,), EachSide(_path(span, CONTENT), None, None, None, told, first=False, span=span), span)


def _content_list(span: Span) -> Entry:
    parts = tuple((kind, span, ConstantSide(part, span)) for kind, part in PARTS.items())
    other = CaseSide(_path(span, "algorithm"), (), ConstantSide("Other", span), span)
    told = (
        Entry(("source_path",), _read(span, "path"), span),
        Entry(("content_part_id",), CaseSide(_path(span, "kind"), parts, None, span), span),
        Entry(("length",), _read(span, "seal", "length"), span),
        Entry(("fingerprint", "algorithm_id"), other, span),
        Entry(("fingerprint", "value"), _read(span, "hmac"), span),
        Entry(("shingles",), _items(span, "seal", "shingles"), span),
        Entry(("sensitive_classes",), _items(span, "seal", "classes"), span),
        Entry(("sensitive_detectors",), _items(span, "seal", "libraries"), span),
    )
    return _each("content_list", told, span)


def _enrichments(span: Span) -> Entry:
    """What releases without the extension have for it."""
    told = tuple(Entry((name,), _read(span, key), span) for name, key in _ENRICHMENT)
    return _each("enrichments", (*told, Entry(("provider",), ConstantSide("ocsf_pipe", span), span)), span)


def _tier(span: Span) -> Entry:
    arms = tuple((f"content:{caption.lower()}", span, ConstantSide(caption, span)) for caption in ("Sealed", "Stored"))
    return Entry(("content_tier_id",), CaseSide(_path(span, TIER), arms, None, span), span)


def _path(span: Span, *keys: str) -> PathExpr:
    return PathExpr(tuple(Step(name=key) for key in keys), span)


def _items(span: Span, *keys: str) -> ExprSide:
    steps = (*(Step(name=key) for key in keys), Step(star=True))
    return ExprSide(PathExpr(steps, span), span, ".".join(keys) + "[*]")


def _read(span: Span, *keys: str) -> ExprSide:
    return ExprSide(_path(span, *keys), span, ".".join(keys))


def tell_tier(context: Context, kind: EventClass, leaves: Leaves) -> None:
    """Add to the labels of an event how the content of its record is kept, where it has no attribute for that."""
    attribute = context.schema.objects["metadata"].attributes.get("labels")
    if not context.mapping.content or attribute is None or "content_tier_id" in kind.attributes:
        return
    path, span = ("metadata", "labels"), context.mapping.content[0].span
    tier: Node = MakeList((lower_expr(context, _path(span, TIER), Scope(context.record)),), list_of(TEXT))
    own = leaves.get(path)
    if own is not None and own.value is not None:
        both = MakeList((own.value, tier), list_of(list_of(TEXT)))
        leaves[path] = replace(own, value=Call("flatten", (both,), list_of(TEXT)))
    else:
        leaves[path] = Leaf(path, tier, list_of(TEXT), attribute, span)
