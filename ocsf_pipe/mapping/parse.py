"""Mapping text → syntax, every value with its place. Complaints are collected, never raised."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Mapping as MappingOf
from typing import TypeVar

import yaml

from ocsf_pipe.errors import Diagnostic, Span
from ocsf_pipe.mapping.content import content_of
from ocsf_pipe.mapping.expression import parse_path
from ocsf_pipe.mapping.reader import Reader
from ocsf_pipe.mapping.sides import entries_of, side_of
from ocsf_pipe.mapping.syntax import (
    RULE_WORDS,
    Drop,
    Expr,
    FieldType,
    ForEach,
    Input,
    Leave,
    Let,
    Mapping,
    Rule,
    SigmaRoute,
    Step,
)
from ocsf_pipe.mapping.tokens import ExpressionError

PRODUCT_WORDS = ("vendor_name", "name", "version", "uid", "lang", "url_string", "path")
INPUT_WORDS = ("format", "settings", "records", "recognise", "fields")
LEAVE_WORDS = ("path", "why")
DROP_WORDS = ("when", "why")
SIGMA_WORDS = ("logsource", "events", "fields", "under", "joins", "where")
T = TypeVar("T")
_PATH_HINT = 'write it as a.b."c.d"'

TOP = "mapping title ocsf product references input content let every events leave drop sigma description".split()


HEAD = ("mapping", "title", "ocsf", "product", "input", "content", "let")
"""What tells the records of a mapping from those of others, without what becomes of them."""


def parse(source: str, file: str, words: Collection[str] = TOP) -> tuple[Mapping | None, list[Diagnostic]]:
    """Read a mapping file; None where it is not even a YAML mapping. Returns every complaint found on the way.

    Only what stands under `words` is read: the others may as well not be there.
    """
    reader = Reader(file, source)
    root = reader.root()
    if not isinstance(root, yaml.MappingNode):
        if root is not None:
            hint = "write `key: value` lines, the first of them `mapping: vendor.product`"
            reader.complain("M104", "a mapping file must be a mapping", reader.span(root), hint)
        return None, reader.complaints
    top = reader.known(root, "the mapping file", TOP)
    reader.missing(top, ("mapping", "product", "input", "events"), "the mapping file", root)
    return _mapping(reader, {word: node for word, node in top.items() if word in words}), reader.complaints


def _mapping(reader: Reader, top: dict[str, yaml.Node]) -> Mapping:
    return Mapping(
        file=reader.file,
        source=reader.source,
        name=reader.text(top["mapping"], "`mapping`") if "mapping" in top else "",
        name_span=reader.span(top["mapping"]) if "mapping" in top else None,
        title=reader.text(top["title"], "`title`") if "title" in top else "",
        ocsf=reader.text(top["ocsf"], "`ocsf`") if "ocsf" in top else "1.8.0",
        ocsf_span=reader.span(top["ocsf"]) if "ocsf" in top else None,
        product=_product(reader, top.get("product")),
        references=tuple(reader.text(n, "a reference") for n in _optional_items(reader, top, "references")),
        input=_input(reader, top.get("input")),
        lets=_lets(reader, top.get("let")),
        every=entries_of(reader, top["every"], "`every`") if "every" in top else (),
        rules=_present(_rule(reader, n) for n in _optional_items(reader, top, "events")),
        leave=_present(_leave(reader, n) for n in _optional_items(reader, top, "leave")),
        drops=_present(_drop(reader, n) for n in _optional_items(reader, top, "drop")),
        sigma=tuple(_sigma(reader, n) for n in _optional_items(reader, top, "sigma")),
        content=_present(content_of(reader, n) for n in _optional_items(reader, top, "content")),
        events_span=reader.span(top["events"]) if isinstance(top.get("events"), yaml.SequenceNode) else None,
    )


def _present(found: Iterable[T | None]) -> tuple[T, ...]:
    return tuple(one for one in found if one is not None)


def _optional_items(reader: Reader, top: dict[str, yaml.Node], key: str) -> list[yaml.Node]:
    return reader.items(top[key], f"`{key}`") if key in top else []


def _product(reader: Reader, node: yaml.Node | None) -> MappingOf[str, str]:
    if node is None:
        return {}
    found = reader.known(node, "`product`", PRODUCT_WORDS)
    reader.missing(found, ("vendor_name",), "`product`", node)
    return {key: reader.text(value, f"`product.{key}`") for key, value in found.items()}


def _input(reader: Reader, node: yaml.Node | None) -> Input:
    if node is None:
        return Input("json", None, {}, (), None, ())
    found = reader.known(node, "`input`", INPUT_WORDS)
    reader.missing(found, ("format",), "`input`", node)
    recognise = found.get("recognise")
    return Input(
        format=reader.text(found["format"], "`format`") if "format" in found else "json",
        format_span=reader.span(found["format"]) if "format" in found else None,
        settings=reader.table(found["settings"], "`settings`") if "settings" in found else {},
        records=_records(reader, found["records"]) if "records" in found else (),
        recognise=None if recognise is None else reader.expression(recognise, "`recognise`"),
        fields=tuple(_fields(reader, found.get("fields"))),
    )


def _records(reader: Reader, node: yaml.Node) -> tuple[Step, ...]:
    steps = reader.path(node, "`records`")
    if any(step.index is not None for step in steps):
        text = f"`{path_text(steps)}` names one element"
        reader.complain("M104", text, reader.span(node), "write `[*]`: every element is a record")
        return ()
    return steps


def _fields(reader: Reader, node: yaml.Node | None) -> list[FieldType]:
    if node is None:
        return []
    fields = []
    for key, span, value in reader.entries(node, "`fields`"):
        path = field_path(reader, key, span)
        if path:
            fields.append(FieldType(path, reader.text(value, f"the type of `{key}`"), reader.span(value), span))
    return fields


def field_path(reader: Reader, text: str, span: Span) -> tuple[str, ...]:
    """The keys of a source path without `[…]`; a complaint, and none of them, where it is not one."""
    try:
        steps = parse_path(text)
    except ExpressionError as error:
        reader.complain(
            "M202", f"`{text}` is not a path", span, error.hint if error.at == 0 and error.hint else _PATH_HINT
        )
        return ()
    if any(step.name is None for step in steps):
        reader.complain("M104", f"`{text}` names elements", span, "leave `[…]` out: the whole list is meant")
        return ()
    return tuple(step.name for step in steps if step.name is not None)


def _lets(reader: Reader, node: yaml.Node | None) -> tuple[Let, ...]:
    if node is None:
        return ()
    return tuple(Let(key, side_of(reader, value), span) for key, span, value in reader.entries(node, "`let`"))


def _rule(reader: Reader, node: yaml.Node) -> Rule | None:
    if not isinstance(node, yaml.MappingNode):
        hint = f"write `- class: {node.value}`" if isinstance(node, yaml.ScalarNode) else "begin it with `- class:`"
        reader.complain("M104", "an event rule must be a mapping", reader.span(node), hint)
        return None
    words = {key.value: value for key, value in node.value if key.value in RULE_WORDS}
    reader.missing(words, ("class",), "this event rule", node)
    class_node = words.get("class", node)
    class_name = reader.text(class_node, "`class`") if "class" in words else ""
    return Rule(
        name=reader.text(words["name"], "`name`") if "name" in words else class_name.rsplit("/", 1)[-1],
        class_name=class_name,
        class_span=reader.span(class_node),
        when=reader.expression(words["when"], "`when`") if "when" in words else None,
        for_each=_for_each(reader, words["for_each"]) if "for_each" in words else None,
        also=_boolean(reader, words["also"], "`also`") if "also" in words else False,
        entries=entries_of(reader, node, "an event rule", leave_out=RULE_WORDS),
        span=reader.span(words.get("name", class_node)),
    )


def _boolean(reader: Reader, node: yaml.Node, what: str) -> bool:
    text = reader.text(node, what)
    if text not in {"true", "false"}:
        reader.complain("M104", f"{what} must be true or false, got `{text}`", reader.span(node), "write `true`")
    return text != "false"


def _for_each(reader: Reader, node: yaml.Node) -> ForEach | None:
    text = reader.text(node, "`for_each`")
    if not isinstance(node, yaml.ScalarNode):
        return None
    items, found, name = text.rpartition(" as ")
    if not found or not name.strip().isidentifier():
        reader.complain("M104", "`for_each` must name its variable", reader.span(node), "write `LIST as x`")
        return None
    cut = yaml.ScalarNode(node.tag, items.rstrip(), node.start_mark, node.end_mark, style=node.style)
    return ForEach(reader.expression(cut, "`for_each`"), name.strip(), reader.span(node))


def _leave(reader: Reader, node: yaml.Node) -> Leave | None:
    if isinstance(node, yaml.MappingNode):
        found = reader.known(node, "`leave`", LEAVE_WORDS)
        reader.missing(found, ("path",), "`leave`", node)
        if "path" not in found:
            return None
        node = found["path"]
    text = reader.text(node, "a path of `leave`")
    path = field_path(reader, text, reader.span(node)) if text else ()
    return Leave(path, reader.span(node)) if path else None


def _drop(reader: Reader, node: yaml.Node) -> Drop | None:
    found = reader.known(node, "`drop`", DROP_WORDS)
    reader.missing(found, DROP_WORDS, "`drop`", node)
    if "when" not in found:
        return None
    when = reader.expression(found["when"], "`when`")
    return Drop(when, reader.text(found["why"], "`why`") if "why" in found else "", reader.span(node))


def _sigma(reader: Reader, node: yaml.Node) -> SigmaRoute:
    found = reader.known(node, "`sigma`", SIGMA_WORDS)
    reader.missing(found, ("logsource", "events"), "`sigma`", node)
    events = reader.items(found["events"], "`events`") if "events" in found else []
    return SigmaRoute(
        logsource=reader.table(found["logsource"], "`logsource`") if "logsource" in found else {},
        events=tuple(reader.text(event, "an event rule's name") for event in events),
        fields=_sigma_fields(reader, found["fields"]) if "fields" in found else {},
        span=reader.span(node),
        event_spans=tuple(reader.span(event) for event in events),
        under=_sigma_path(reader, found["under"]) if "under" in found else (),
        joins=_joins(reader, found["joins"]) if "joins" in found else (),
        where=reader.expression(found["where"], "`where`") if "where" in found else None,
        several=_sigma_several(reader, found["fields"]) if "fields" in found else {},
    )


def _sigma_fields(reader: Reader, node: yaml.Node) -> dict[str, tuple[str, ...]]:
    entries = reader.entries(node, "`fields`")
    return {name: _sigma_path(reader, path) for name, _, path in entries if not isinstance(path, yaml.SequenceNode)}


def _sigma_several(reader: Reader, node: yaml.Node) -> dict[str, tuple[tuple[str, ...], ...]]:
    """The fields that are a list of paths."""
    if not isinstance(node, yaml.MappingNode):  # complained of already
        return {}
    lists = [(key.value, paths) for key, paths in node.value if isinstance(paths, yaml.SequenceNode)]
    return {name: tuple(_sigma_path(reader, path) for path in reader.items(paths, name)) for name, paths in lists}


def _sigma_path(reader: Reader, node: yaml.Node) -> tuple[str, ...]:
    text = reader.text(node, "a source path")
    return field_path(reader, text, reader.span(node)) if text else ()


def _joins(reader: Reader, node: yaml.Node) -> tuple[tuple[str, Expr], ...]:
    found = reader.entries(node, "`joins`")
    return tuple((name, reader.expression(value, f"the join of `{name}`")) for name, _, value in found)


def path_text(steps: tuple[Step, ...]) -> str:
    """A path as it is written: `a."b.c"[*].d`."""
    text = ""
    for step in steps:
        if step.name is None:
            text += str(step)
        else:
            word = step.name if step.name.isidentifier() else f'"{step.name}"'
            text += f".{word}" if text else word
    return text
