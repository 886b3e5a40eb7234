"""The YAML that stands beside a rule → plain values; whatever does not fit is a fault with its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from ocsf_pipe.errors import did_you_mean

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, in C where there is one


class _Plain(_LOADER):  # type: ignore[misc]
    """YAML with the scalars of JSON: a date or `yes` stays the text that it is, as in the record it stands for."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as the base declares it


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"-?(0|[1-9]\d*)", "-0123456789"),
    ("float", r"-?(0|[1-9]\d*)(\.\d+([eE][-+]?\d+)?|[eE][-+]?\d+)", "-0123456789"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("merge", r"<<", "<"),
):
    _Plain.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


@dataclass(slots=True)
class Marked:
    """One file that is read; `offset` is the number of lines above its text."""

    file: str
    offset: int = 0
    faults: list[str] = field(default_factory=list)

    def root(self, text: str) -> yaml.Node | None:
        """The document; None, with a fault, where it is not YAML, and without one where it is empty."""
        try:
            node: yaml.Node | None = yaml.compose(text, Loader=_Plain)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._note(mark, f"not YAML: {error.problem or error.context}")
            return None
        except yaml.YAMLError as error:
            self._note(None, f"not YAML: {' '.join(str(error).split())}")
            return None
        return node

    def fault(self, node: yaml.Node, text: str) -> None:
        """Note what is wrong at a node."""
        self._note(node.start_mark, text)

    def _note(self, mark: Any, text: str) -> None:
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        self.faults.append(f"{self.file}:{line + self.offset}:{column}: {text}")

    def known(self, node: yaml.Node, what: str, keys: Sequence[str]) -> dict[str, yaml.Node]:
        """The values of a mapping by key; a fault for a key that is none of `keys`, or stands twice."""
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, f"{what} must be a mapping of `key: value` lines")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.value not in keys:
                hint = did_you_mean(str(key.value), keys) or "known keys: " + ", ".join(keys)
                self.fault(key, f"unknown key `{key.value}` in {what}; {hint}")
            elif key.value in found:
                self.fault(key, f"`{key.value}` stands twice in {what}")
            else:
                found[key.value] = value
        return found

    def items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """The items of a list; a fault and none where it is no list."""
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self.fault(node, f"{what} must be a list")
        return []

    def plain(self, node: yaml.Node) -> Any:
        """A node as plain data with the scalars of JSON."""
        loader = _Plain("")
        try:
            return loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            self._note(error.problem_mark, f"not YAML: {error.problem}")
            return None

    def text(self, node: yaml.Node, what: str) -> str:
        """A text that is not empty; a fault and the empty text where it is none."""
        if isinstance(node, yaml.ScalarNode) and str(node.value).strip():
            return str(node.value)
        self.fault(node, f"{what} must be a text")
        return ""

    def texts(self, node: yaml.Node, what: str) -> tuple[str, ...]:
        """One text, or a list of texts."""
        if isinstance(node, yaml.ScalarNode):
            return (self.text(node, what),)
        return tuple(self.text(item, f"an item of {what}") for item in self.items(node, what))

    def seconds(self, node: yaml.Node, what: str) -> float:
        """A time span: `30s`, `5m`, `1h`, `7d`, or a number of seconds."""
        found = _DURATION.fullmatch(str(node.value)) if isinstance(node, yaml.ScalarNode) else None
        if found is None:
            self.fault(node, f"{what} must be a time span such as `30s`, `5m`, `1h` or `7d`")
            return 0.0
        return float(found[1]) * _SECONDS[found[2]]

    def whole(self, node: yaml.Node, what: str, least: int, most: int) -> int:
        """A whole number within bounds."""
        value = self.plain(node)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.fault(node, f"{what} must be a whole number from {least} to {most}")
        return least

    def flag(self, node: yaml.Node, what: str) -> bool:
        """`true` or `false`."""
        value = self.plain(node)
        if isinstance(value, bool):
            return value
        self.fault(node, f"{what} must be true or false")
        return False
