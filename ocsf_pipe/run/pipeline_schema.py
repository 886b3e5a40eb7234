"""The JSON Schema of pipeline files, for editors: our own keys, and for each connector those of its `SETTINGS`.

`python -m ocsf_pipe.run.pipeline_schema` prints it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from ocsf_connectors import CONNECTORS
from ocsf_pipe.run.deliver import LEVELS as FINDINGS
from ocsf_pipe.run.pipeline_detect import TARGETS, target_schema
from ocsf_pipe.run.pipeline_parse import FORMATS, LEVELS, MOST_THREADS
from ocsf_pipe.run.pipeline_sources import TIERS, settings_schema
from ocsf_pipe.run.pipeline_values import DURATION, NAME, NEVER, SIZE

_SECRET = {
    "description": "Where a secret is kept; it never stands in this file.",
    "oneOf": [
        {"type": "object", "required": [kind], "additionalProperties": False, "properties": {kind: {"type": "string"}}}
        for kind in ("env", "file")
    ],
}
_TEXT = {"type": "string", "minLength": 1}
_DURATION = {"type": ["string", "number"], "pattern": f"^{DURATION}$", "examples": ["30s", "5m", "1h", "7d"]}
_PERIOD = {"anyOf": [{"const": NEVER}, {"$ref": "#/$defs/duration"}]}
_SIZE = {"type": ["string", "integer"], "pattern": f"^{SIZE}$", "examples": ["40MiB"]}
_DAYS = {"type": ["string", "integer"], "pattern": r"^[1-9]\d{0,5}d?$", "examples": ["365d"]}
_MAPPING = {
    "description": "A mapping's name or path, several, or `auto` (the default): the records tell.",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string", "minLength": 1}},
    ],
}


def schema() -> dict[str, Any]:
    """The schema of a pipeline file with every connector that this installation has."""
    known = {name: found for name in sorted(CONNECTORS) if (found := settings_schema(name)) is not None}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "pipeline.schema.json",
        "title": "An ocsf_pipe pipeline",
        "description": "One lake and the sources that flow into it. `ocsf-pipe run --check` says what is wrong.",
        "type": "object",
        "required": ["pipeline", "lake", "sources"],
        "additionalProperties": False,
        "properties": _top(),
        "if": {"properties": {"lake": {"pattern": "://"}}, "required": ["lake"]},
        "then": {"not": {"required": ["detect"]}},
        "$defs": {
            "secret": _SECRET,
            "duration": _DURATION,
            "size": _SIZE,
            "days": _DAYS,
            "mapping": _MAPPING,
            "source": _source(known),
            **{f"connector_{name}": _connector(name, found) for name, found in known.items()},
            **{f"target_{to}": _target(to, target_schema(to)) for to in TARGETS},
        },
    }


def _top() -> dict[str, Any]:
    name = f"^{NAME}$"
    return {
        "pipeline": {"description": "The pipeline's name; its checkpoints bear it.", "type": "string", "pattern": name},
        "lake": {"description": "The lake: a folder or an object store URL.", "type": "string", "minLength": 1},
        "state": _text("A local folder for what is accepted and not in the lake yet; `_state` in a local lake."),
        "threads": {
            "description": "DuckDB threads that map.",
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_THREADS,
        },
        "batch": _object(
            "When a batch is closed.",
            seconds=_said("So long after its first record (2s).", "duration"),
            bytes=_said("At so many bytes of raw records (40MiB).", "size"),
        ),
        "content": _content(),
        "metrics": _object(
            "Serves /metrics, /healthz and /readyz.",
            listen={"description": "Host and port (127.0.0.1:9464).", "type": "string", "pattern": r":\d{1,5}$"},
        ),
        "log": _object(
            "How the program speaks of itself.",
            level={"description": "The least that is told (info).", "enum": list(LEVELS)},
            format={"description": "`auto` is text on a terminal, JSON elsewhere.", "enum": list(FORMATS)},
        ),
        "maintenance": _object(
            "Upkeep of the tables while the pipeline runs.",
            compact={"description": "How often small files are joined (1h).", **_PERIOD},
            vacuum={"description": "How often old files are deleted (1d).", **_PERIOD},
            keep=_said("How long files that left their table stay for readers (7d).", "duration"),
            retain={
                "description": "Days that rows are kept, by class; `default` is every other class.",
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/days"},
            },
        ),
        "detect": _detect(name),
        "sources": {
            "description": "The sources by name.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": name},
            "additionalProperties": {"$ref": "#/$defs/source"},
        },
    }


def _detect(name: str) -> dict[str, Any]:
    """Rules and targets."""
    return _object(
        "Rules that are asked of every batch; their findings go into the table detection_finding.",
        rules={
            "description": "Rule files, or folders of them; the shipped ones if left out.",
            "anyOf": [_TEXT, {"type": "array", "items": _TEXT}],
        },
        placeholders={"description": "A file with the values of each %placeholder%.", **_TEXT},
        every=_said("How often rules over windows are asked at least (15s).", "duration"),
        deliver={
            "description": "Who is told of findings, by name.",
            "type": "object",
            "propertyNames": {"pattern": name},
            "additionalProperties": {"oneOf": [{"$ref": f"#/$defs/target_{to}"} for to in TARGETS]},
        },
    )


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "type": "string", "minLength": 1}


def _content() -> dict[str, Any]:
    return {
        "description": "What becomes of prompts and responses (seal): no text is kept, or a table of texts.",
        "anyOf": [
            {"enum": list(TIERS)},
            _object(
                "The same with the place of the key.",
                tier={"enum": list(TIERS)},
                key_file={"description": "A key file, made on first use.", "type": "string", "minLength": 1},
            ),
        ],
    }


def _object(description: str, **properties: Any) -> dict[str, Any]:
    """An optional mapping; nothing behind its colon is an empty one."""
    kind = ["object", "null"]
    return {"description": description, "type": kind, "additionalProperties": False, "properties": properties}


def _said(description: str, definition: str) -> dict[str, Any]:
    return {"description": description, "$ref": f"#/$defs/{definition}"}


def _source(known: Mapping[str, Any]) -> dict[str, Any]:
    """What all sources have, and by connector what that one has."""
    return {
        "type": "object",
        "required": ["connector"],
        "properties": {"connector": {"description": "What reads the source.", "enum": list(known)}},
        "allOf": [
            {
                "if": {"properties": {"connector": {"const": name}}},
                "then": {"$ref": f"#/$defs/connector_{name}"},
            }
            for name in known
        ],
    }


def _connector(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a connector as a whole source, its secrets as references."""
    found: dict[str, Any] = _referenced(settings, f"#/$defs/connector_{name}")
    tier = {"description": "What becomes of its text, where it is not as the pipeline says.", "enum": list(TIERS)}
    own = {"connector": {"const": name}, "mapping": {"$ref": "#/$defs/mapping"}, "content": tier}
    found.pop("$schema", None)
    found.pop("$id", None)
    return {**found, "properties": {**own, **found.get("properties", {})}}


def _target(to: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of one kind of targets as a whole target."""
    found: dict[str, Any] = _referenced(settings, f"#/$defs/target_{to}")
    own = {
        "to": {"const": to},
        "at_least": {"description": "The least severity that is told (informational).", "enum": list(FINDINGS)},
    }
    return {**found, "required": ["to", *found["required"]], "properties": {**own, **found["properties"]}}


def _referenced(part: Any, root: str) -> Any:
    if isinstance(part, Mapping):
        if part.get("format") == "secret":
            return {"description": part.get("description", ""), "$ref": "#/$defs/secret"}
        return {
            key: value.replace("#", root, 1) if key == "$ref" else _referenced(value, root)
            for key, value in part.items()
        }
    return [_referenced(item, root) for item in part] if isinstance(part, list | tuple) else part


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
