"""YAML nodes → values, with complaints instead of exceptions. Knows YAML and spans, nothing of mappings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from ocsf_pipe.errors import Diagnostic, Span, did_you_mean
from ocsf_pipe.mapping.expression import ExpressionError, parse_expression, parse_path
from ocsf_pipe.mapping.places import places_of
from ocsf_pipe.mapping.syntax import Expr, LiteralExpr, Step

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True)
class Reader:
    """One file being read: its text, and every complaint so far."""

    file: str
    source: str
    complaints: list[Diagnostic] = field(default_factory=list)
    lines: list[str] = field(init=False)

    def __post_init__(self) -> None:
        """Split the text once; places need its lines."""
        self.lines = self.source.splitlines()

    def root(self) -> yaml.Node | None:
        """Compose the document; None, with a complaint, where it is not YAML."""
        try:
            node: yaml.Node | None = yaml.compose(self.source, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            span = Span(self.file, line, column, column + 1)
            self.complain("M101", str(error.problem or error.context or "not YAML"), span)
            return None
        if node is None:
            self.complain("M101", "the file is empty", Span(self.file, 1, 1, 2))
        return node

    def complain(self, code: str, message: str, span: Span | None, hint: str | None = None) -> None:
        """Note one complaint."""
        self.complaints.append(Diagnostic(code, message, span, hint))

    def span(self, node: yaml.Node) -> Span:
        """The place of a node, on its first line."""
        start, end = node.start_mark, node.end_mark
        stop = end.column + 1 if end.line == start.line else len(self.lines[start.line]) + 1
        return Span(self.file, start.line + 1, start.column + 1, max(stop, start.column + 2))

    def entries(self, node: yaml.Node, what: str) -> Iterator[tuple[str, Span, yaml.Node]]:
        """The keys of a mapping node with their places; a complaint where it is none or a key stands twice."""
        if not isinstance(node, yaml.MappingNode):
            self.complain("M104", f"{what} must be a mapping", self.span(node))
            return
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.complain("M104", f"a key of {what} must be a word", self.span(key))
                continue
            if key.value in seen:
                self.complain("M105", f"`{key.value}` stands twice in {what}", self.span(key), "keep one of them")
                continue
            seen.add(key.value)
            yield key.value, self.span(key), value

    def known(self, node: yaml.Node, what: str, keys: Sequence[str]) -> dict[str, yaml.Node]:
        """The values of a mapping node by key; a complaint for every key that is not one of `keys`."""
        found: dict[str, yaml.Node] = {}
        for key, span, value in self.entries(node, what):
            if key in keys:
                found[key] = value
            else:
                hint = did_you_mean(key, keys) or "known keys: " + ", ".join(keys)
                self.complain("M102", f"unknown key `{key}` in {what}", span, hint)
        return found

    def items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """The items of a sequence node; a complaint where it is none."""
        if not isinstance(node, yaml.SequenceNode):
            self.complain("M104", f"{what} must be a list", self.span(node), "start each item with `- `")
            return []
        return list(node.value)

    def text(self, node: yaml.Node, what: str) -> str:
        """The text of a scalar; a complaint and the empty text where it is none."""
        if not isinstance(node, yaml.ScalarNode):
            self.complain("M104", f"{what} must be a text", self.span(node))
            return ""
        return str(node.value)

    def plain(self, node: yaml.Node) -> Any:
        """The node as plain Python data (settings, products: nothing that carries expressions)."""
        return yaml.load(yaml.serialize(node), Loader=_LOADER)  # noqa: S506 - the safe loader's C form

    def expression(self, node: yaml.Node, what: str) -> Expr:
        """Parse a scalar as an expression; a complaint and the literal null where it is none."""
        if not isinstance(node, yaml.ScalarNode):
            self.complain("M104", f"{what} must be an expression", self.span(node))
            return LiteralExpr(None, self.span(node))
        places = places_of(node, self.file, self.lines)
        try:
            return parse_expression(node.value, places.span)
        except ExpressionError as error:
            self.complain("M202", str(error), places.span(error.at, error.end), _hint(node))
            return LiteralExpr(None, self.span(node))

    def path(self, node: yaml.Node, what: str) -> tuple[Step, ...]:
        """Parse a scalar as a path; a complaint and no steps where it is none."""
        text = self.text(node, what)
        try:
            return parse_path(text)
        except ExpressionError:
            self.complain("M202", f"`{text}` is not a path", self.span(node), 'write it as a.b."c.d"[*]')
            return ()


def _hint(node: yaml.ScalarNode) -> str | None:
    if node.style in {"'", '"'}:
        return "an expression is not quoted in YAML: take the outer quotes away"
    return None
