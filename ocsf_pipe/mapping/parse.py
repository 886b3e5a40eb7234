"""Mapping text → syntax, every value with its place. Complaints are collected, never raised."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf

import yaml

from ocsf_pipe.errors import Diagnostic
from ocsf_pipe.mapping.reader import Reader
from ocsf_pipe.mapping.sides import entries_of, side_of
from ocsf_pipe.mapping.syntax import (
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

TOP = (
    "mapping title ocsf product references input let every events leave drop sigma description".split()
)
RULE_WORDS = ("name", "class", "when", "for_each", "also")


def parse(source: str, file: str) -> tuple[Mapping | None, list[Diagnostic]]:
    """Read a mapping file; None where it is not even a YAML mapping. Returns every complaint found on the way."""
    reader = Reader(file, source)
    root = reader.root()
    if not isinstance(root, yaml.MappingNode):
        if root is not None:
            reader.complain("M104", "a mapping file must be a mapping", reader.span(root))
        return None, reader.complaints
    top = reader.known(root, "the mapping file", TOP)
    for key in ("mapping", "product", "input", "events"):
        if key not in top:
            reader.complain("M103", f"`{key}` is missing", reader.span(root), f"add `{key}:`")
    return _mapping(reader, top), reader.complaints


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
        rules=tuple(_rule(reader, n) for n in _optional_items(reader, top, "events")),
        leave=tuple(_leave(reader, n) for n in _optional_items(reader, top, "leave")),
        drops=tuple(_drop(reader, n) for n in _optional_items(reader, top, "drop")),
        sigma=tuple(_sigma(reader, n) for n in _optional_items(reader, top, "sigma")),
    )


def _optional_items(reader: Reader, top: dict[str, yaml.Node], key: str) -> list[yaml.Node]:
    return reader.items(top[key], f"`{key}`") if key in top else []


def _product(reader: Reader, node: yaml.Node | None) -> MappingOf[str, str]:
    if node is None:
        return {}
    words = ("vendor_name", "name", "version", "uid", "lang", "url_string", "path")
    found = reader.known(node, "`product`", words)
    if "vendor_name" not in found:
        reader.complain("M103", "`vendor_name` is missing in `product`", reader.span(node))
    return {key: reader.text(value, f"`product.{key}`") for key, value in found.items()}


def _input(reader: Reader, node: yaml.Node | None) -> Input:
    if node is None:
        return Input("json", None, {}, (), None, ())
    found = reader.known(node, "`input`", ("format", "settings", "records", "recognise", "fields"))
    if "format" not in found:
        reader.complain("M103", "`format` is missing in `input`", reader.span(node))
    recognise = found.get("recognise")
    return Input(
        format=reader.text(found["format"], "`format`") if "format" in found else "json",
        format_span=reader.span(found["format"]) if "format" in found else None,
        settings=reader.plain(found["settings"]) if "settings" in found else {},
        records=reader.path(found["records"], "`records`") if "records" in found else (),
        recognise=None if recognise is None else reader.expression(recognise, "`recognise`"),
        fields=tuple(_fields(reader, found.get("fields"))),
    )


def _fields(reader: Reader, node: yaml.Node | None) -> list[FieldType]:
    if node is None:
        return []
    fields = []
    for key, span, value in reader.entries(node, "`fields`"):
        path = field_path(reader, key, span.line)
        fields.append(FieldType(path, reader.text(value, f"the type of `{key}`"), reader.span(value)))
    return fields


def field_path(reader: Reader, text: str, line: int) -> tuple[str, ...]:
    """The keys of a source path without `[…]`; a complaint where it is not one."""
    node = yaml.ScalarNode("tag:yaml.org,2002:str", text, _mark(line), _mark(line))
    steps = reader.path(node, "a source path")
    if any(step.name is None for step in steps):
        reader.complain("M104", f"`{text}` must be keys only", None, "leave `[…]` out")
    return tuple(step.name for step in steps if step.name is not None)


def _mark(line: int) -> yaml.Mark:
    return yaml.Mark("", 0, line - 1, 0, None, 0)


def _lets(reader: Reader, node: yaml.Node | None) -> tuple[Let, ...]:
    if node is None:
        return ()
    return tuple(Let(key, side_of(reader, value), span) for key, span, value in reader.entries(node, "`let`"))


def _rule(reader: Reader, node: yaml.Node) -> Rule:
    if not isinstance(node, yaml.MappingNode):
        reader.complain("M104", "an event rule must be a mapping", reader.span(node))
        return Rule("", "", reader.span(node), None, None, False, (), reader.span(node))
    words = {key.value: value for key, value in node.value if key.value in RULE_WORDS}
    if "class" not in words:
        reader.complain("M103", "`class` is missing in this event rule", reader.span(node), "add `class:`")
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
        reader.complain("M104", f"{what} must be true or false, got `{text}`", reader.span(node))
    return text == "true"


def _for_each(reader: Reader, node: yaml.Node) -> ForEach | None:
    text = reader.text(node, "`for_each`")
    items, found, name = text.rpartition(" as ")
    if not found or not name.strip().isidentifier():
        reader.complain("M104", "`for_each` must name its variable", reader.span(node), "write `LIST as x`")
        return None
    cut = yaml.ScalarNode(node.tag, items.rstrip(), node.start_mark, node.end_mark, style=node.style)
    return ForEach(reader.expression(cut, "`for_each`"), name.strip(), reader.span(node))


def _leave(reader: Reader, node: yaml.Node) -> Leave:
    if isinstance(node, yaml.MappingNode):
        found = reader.known(node, "`leave`", ("path", "why"))
        node = found.get("path", node)
    text = reader.text(node, "a path of `leave`")
    return Leave(field_path(reader, text, node.start_mark.line + 1), reader.span(node))


def _drop(reader: Reader, node: yaml.Node) -> Drop:
    found = reader.known(node, "`drop`", ("when", "why"))
    for key in ("when", "why"):
        if key not in found:
            reader.complain("M103", f"`{key}` is missing in `drop`", reader.span(node))
    when = reader.expression(found.get("when", yaml.ScalarNode("", "false", node.start_mark, node.end_mark)), "`when`")
    return Drop(when, reader.text(found["why"], "`why`") if "why" in found else "", reader.span(node))


def _sigma(reader: Reader, node: yaml.Node) -> SigmaRoute:
    found = reader.known(node, "`sigma`", ("logsource", "events", "fields"))
    for key in ("logsource", "events"):
        if key not in found:
            reader.complain("M103", f"`{key}` is missing in `sigma`", reader.span(node))
    return SigmaRoute(
        logsource=reader.plain(found["logsource"]) if "logsource" in found else {},
        events=tuple(reader.text(n, "an event rule's name") for n in reader.items(found["events"], "`events`"))
        if "events" in found
        else (),
        fields=reader.plain(found["fields"]) if "fields" in found else {},
        span=reader.span(node),
    )


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


__all__ = ["Expr", "parse", "path_text"]
