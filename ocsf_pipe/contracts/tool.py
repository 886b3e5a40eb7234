"""What one tool promises, whoever describes it: MCP, OpenAI and its many copies, Anthropic, Bedrock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ocsf_pipe.contracts.canonical import fingerprint

_SPELLINGS = {
    "name": ("name",),
    "title": ("title",),
    "description": ("description",),
    "inputSchema": ("inputSchema", "input_schema", "parameters"),
    "outputSchema": ("outputSchema", "output_schema"),
    "annotations": ("annotations",),
}
"""The parts of a contract, by their names in MCP, and what else they are called."""


@dataclass(frozen=True)
class Tool:
    """A tool's contract; `definition` has the parts that it names, by their names in MCP."""

    definition: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name by which a model asks for it."""
        return str(self.definition["name"])

    @cached_property
    def contract(self) -> str:
        """The fingerprint of all parts: SHA-256 of their canonical JSON."""
        return fingerprint(dict(self.definition))

    def part(self, name: str) -> str | None:
        """The fingerprint of one part; None where the contract does not have it."""
        return fingerprint(self.definition[name]) if name in self.definition else None

    def changed(self, other: Tool) -> list[str]:
        """The parts in which two contracts differ, in the order of a contract."""
        return [name for name in _SPELLINGS if self.part(name) != other.part(name)]


def tool_of(found: Any) -> Tool | None:
    """Return the tool that a JSON value describes; None where it describes none, or one that cannot be hashed.

    What is null counts as not said; icons, `_meta` and the like are no part of a contract.
    """
    if not isinstance(found, Mapping):
        return None
    inner = next((found[key] for key in ("function", "toolSpec") if isinstance(found.get(key), Mapping)), found)
    definition = {
        part: value
        for part, keys in _SPELLINGS.items()
        if (value := next((inner[key] for key in keys if inner.get(key) is not None), None)) is not None
    }
    if isinstance(hints := definition.get("annotations"), Mapping):
        definition["annotations"] = {name: hint for name, hint in hints.items() if hint is not None}
    if isinstance(schema := definition.get("inputSchema"), Mapping) and set(schema) == {"json"}:
        definition["inputSchema"] = schema["json"]  # Bedrock
    definition = {name: value for name, value in definition.items() if value != {} or name != "annotations"}
    if not isinstance(definition.get("name"), str) or not {"description", "inputSchema"} & set(definition):
        return None
    tool = Tool(definition)
    try:
        return tool if tool.contract else None
    except (ValueError, RecursionError):
        return None
