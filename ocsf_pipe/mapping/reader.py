"""YAML nodes → values, with complaints instead of exceptions. Knows YAML and spans, nothing of mappings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from ocsf_pipe.errors import Diagnostic, Span, did_you_mean, nearest
from ocsf_pipe.mapping.expression import parse_expression, parse_path
from ocsf_pipe.mapping.limits import too_many_nodes, too_much
from ocsf_pipe.mapping.places import places_of
from ocsf_pipe.mapping.syntax import Expr, LiteralExpr, Step
from ocsf_pipe.mapping.tokens import ExpressionError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COMMA = "close it; inside `{…}` and `[…]` a comma ends the value: write such values on lines of their own"
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_JSON_LIKE = re.compile(r"true|false|-?(0|[1-9]\d{0,17})(\.\d{1,17})?([eE][-+]?\d{1,2})?")


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
        """Compose the document; None, with a complaint, where it is not YAML or more of it than a mapping may be."""
        try:
            excess = too_much(self.source)
            node: yaml.Node | None = yaml.compose(self.source, Loader=_LOADER) if excess is None else None
            excess = excess or (too_many_nodes(node) if node is not None else None)
        except yaml.reader.ReaderError as error:
            at = min(int(error.position), len(self.source))
            text = f"the character {_shown(error.character)} cannot stand in YAML"
            self.complain("M101", text, self.place(at), 'take it away, or write it as `"\\u…"`')
            return None
        except yaml.MarkedYAMLError as error:
            message, hint = _yaml_words(error)
            self.complain("M101", message, self._marked(error.problem_mark or error.context_mark), hint)
            return None
        if excess is not None:
            self.complain("M107", excess.what, self._marked(excess.mark), excess.remedy)
            return None
        if node is None:
            self.complain("M101", "the file is empty", Span(self.file, 1, 1, 2), "see `ocsf-pipe mapping new`")
        return node

    def _marked(self, mark: yaml.Mark | None) -> Span:
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Span(self.file, line, column, column + 1)

    def place(self, at: int) -> Span:
        """The place of one character of the file, by its offset."""
        before = self.source[:at].splitlines() or [""]
        line, column = len(before), len(before[-1]) + 1
        return Span(self.file, line, column, column + 1)

    def complain(self, code: str, message: str, span: Span | None, hint: str | None = None) -> None:
        """Note one complaint."""
        self.complaints.append(Diagnostic(code, message, span, hint))

    def missing(self, found: Mapping[str, yaml.Node], keys: Sequence[str], what: str, node: yaml.Node) -> None:
        """Complain about each of `keys` that is not there; a misspelt one has been complained about already."""
        written = set(keys)
        if isinstance(node, yaml.MappingNode):
            written = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)} - set(found)
        for key in keys:
            if key not in found and not any(nearest(str(word), keys) == key for word in written):
                self.complain("M103", f"`{key}` is missing in {what}", self.span(node), f"add `{key}:`")

    def span(self, node: yaml.Node) -> Span:
        """The place of a node, on its first line."""
        start, end = node.start_mark, node.end_mark
        line = self.lines[start.line] if start.line < len(self.lines) else ""
        stop = end.column + 1 if end.line == start.line else len(line) + 1
        return Span(self.file, start.line + 1, start.column + 1, max(stop, start.column + 2))

    def entries(self, node: yaml.Node, what: str) -> Iterator[tuple[str, Span, yaml.Node]]:
        """The keys of a mapping node with their places; a complaint where it is none or a key stands twice."""
        if not isinstance(node, yaml.MappingNode):
            self.complain("M104", f"{what} must be a mapping", self.span(node), "write `key: value` lines")
            return
        seen: set[str] = set()
        cut = False
        for key, value in node.value:
            if cut and _is_rest(key, value):
                continue
            cut = node.flow_style is True and _opens(value)
            if not isinstance(key, yaml.ScalarNode):
                self.complain("M104", f"a key of {what} must be a word", self.span(key), "quote it")
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
            self.complain("M104", f"{what} must be a text", self.span(node), "write one word or quote the text")
            return ""
        return str(node.value)

    def plain(self, node: yaml.Node) -> Any:
        """The node as plain Python data (settings, logsources: nothing that carries expressions)."""
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return {key: self.plain(value) for key, _, value in self.entries(node, "a mapping")}
        return _scalar(node)

    def table(self, node: yaml.Node, what: str) -> dict[str, Any]:
        """A mapping node as plain Python data; a complaint and nothing where it is none."""
        return {key: self.plain(value) for key, _, value in self.entries(node, what)}

    def expression(self, node: yaml.Node, what: str) -> Expr:
        """Parse a scalar as an expression; a complaint and the literal null where it is none."""
        if not isinstance(node, yaml.ScalarNode):
            self.complain(
                "M104", f"{what} must be an expression", self.span(node), "write it on one line, or after `>-`"
            )
            return LiteralExpr(None, self.span(node))
        places = places_of(node, self.file, self.lines)
        try:
            return parse_expression(node.value, places.span)
        except ExpressionError as error:
            code = "M107" if error.too_big else "M202"
            hint = _COMMA if _opens(node) and self._before_comma(node) else _hint(node) or error.hint
            self.complain(code, str(error), places.span(error.at, error.end), hint)
            return LiteralExpr(None, self.span(node))

    def _before_comma(self, node: yaml.Node) -> bool:
        line = self.lines[node.end_mark.line] if node.end_mark.line < len(self.lines) else ""
        return line[node.end_mark.column :].lstrip().startswith(",")

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


def _opens(node: yaml.Node) -> bool:
    """Whether a plain scalar opens a parenthesis that it does not close: a comma of `{…}` has cut it."""
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value.count("(") > node.value.count(")")


def _is_rest(key: yaml.Node, value: yaml.Node) -> bool:
    """Whether a key is the rest of an expression that a comma has cut; the cut itself has been complained about."""
    return isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode) and value.value == ""


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    """A scalar as JSON would have it; quoted ones and what only YAML 1.1 reads as something else are texts."""
    text = str(node.value)
    if getattr(node, "style", None):
        return text
    if not _JSON_LIKE.fullmatch(text):
        return None if text in NULLS else text
    found: int | float | bool = json.loads(text)
    return found


def _shown(character: str | int) -> str:
    return f"`U+{ord(character) if isinstance(character, str) else character:04X}`"


def _yaml_words(error: yaml.MarkedYAMLError) -> tuple[str, str]:
    problem = str(error.problem or error.context or "not YAML")
    if problem == "but found another document":
        return "the file holds a second document", "keep one mapping in a file"
    if "cannot start any token" in problem:
        return problem, "indent with spaces, and quote what begins with `@`, `` ` `` or `%`"
    return problem, "mend the YAML here or just above: brackets, quotes, indentation"
