"""The `detect:` part of a pipeline file: which rules are asked of every batch, and who is told of findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ocsf_pipe.errors import did_you_mean
from ocsf_pipe.mapping.reader import NULLS
from ocsf_pipe.run.deliver import LEVELS, Sender
from ocsf_pipe.run.deliver_web import SLACK, WEBHOOK, slack, webhook
from ocsf_pipe.run.pipeline_complaints import Complaints
from ocsf_pipe.run.pipeline_secrets import revealed
from ocsf_pipe.run.pipeline_settings import settings_of
from ocsf_pipe.run.pipeline_values import name_of, seconds_of, text_of, word_of

KEYS = ("rules", "placeholders", "every", "deliver")
OWN = ("to", "at_least")
TARGETS = ("webhook", "slack", "kafka")
"""The kinds of targets."""


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """One who is told of findings of a level or above; secrets in the settings are `Secret` objects."""

    name: str
    to: str
    at_least: str = "informational"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def sender(self) -> Sender:
        """The way there; raises UsageError or SourceError for settings that cannot be."""
        plain: dict[str, Any] = revealed(self.settings)
        if self.to == "kafka":
            from ocsf_connectors.kafka_sender import KafkaSender

            return KafkaSender(plain, self.name)
        return webhook(plain) if self.to == "webhook" else slack(plain)


@dataclass(frozen=True, slots=True)
class DetectSpec:
    """Rules by file or folder (none: the shipped ones), the file of their placeholders, and the targets.

    Rules over windows are asked every so many seconds at least.
    """

    rules: tuple[str, ...] = ()
    placeholders: str | None = None
    every: float = 15.0
    targets: tuple[TargetSpec, ...] = ()


def target_schema(to: str) -> Mapping[str, Any]:
    """The JSON Schema of the settings of one kind of targets."""
    if to == "kafka":
        from ocsf_connectors import kafka_sender  # its client takes a while to load

        return kafka_sender.SETTINGS
    return {"webhook": WEBHOOK, "slack": SLACK}[to]


def detect_of(said: Complaints, node: yaml.Node | None, lake: str) -> DetectSpec | None:
    """Read the part; None where the file has none, the usual ones where nothing stands behind it."""
    if node is None:
        return None
    if "://" in lake:
        hint = "keep the lake in a folder, or run rules where a copy of it is"
        said.add("P202", "`detect` reads a lake that is a local folder; this one is a URL", node, hint)
    if isinstance(node, yaml.ScalarNode) and not node.style and node.value in NULLS:
        return DetectSpec()
    found = said.reader.known(node, "`detect`", KEYS)
    placeholders = _file(said, found["placeholders"], "`detect.placeholders`") if "placeholders" in found else None
    return DetectSpec(
        rules=_rules(said, found["rules"]) if "rules" in found else (),
        placeholders=placeholders,
        every=seconds_of(said, found["every"], "`detect.every`", 1.0) if "every" in found else 15.0,
        targets=_targets(said, found["deliver"]) if "deliver" in found else (),
    )


def _rules(said: Complaints, node: yaml.Node) -> tuple[str, ...]:
    items = [node] if isinstance(node, yaml.ScalarNode) else said.reader.items(node, "`detect.rules`")
    return tuple(_file(said, item, "a path of `detect.rules`") for item in items)


def _file(said: Complaints, node: yaml.Node, what: str) -> str:
    text = text_of(said, node, what)
    if text and not Path(text).exists():
        said.add("P206", f"there is nothing at `{text}`", node, "paths are relative to where the pipeline is started")
    return text


def _targets(said: Complaints, node: yaml.Node) -> tuple[TargetSpec, ...]:
    found = []
    for key, _, value in said.reader.entries(node, "`detect.deliver`"):
        name_of(said, next(word for word, _ in node.value if word.value == key), "a target")
        if not isinstance(value, yaml.MappingNode):
            said.add("P104", f"the target `{key}` must be a mapping", value, "write `to: webhook` below it")
            continue
        own = {word.value: inner for word, inner in value.value if word.value in OWN}
        if "to" not in own:
            said.add("P103", f"`to` is missing in the target `{key}`", value, "one of: " + ", ".join(TARGETS))
            continue
        found.append(_target(said, key, own, value))
    return tuple(found)


def _target(said: Complaints, key: str, own: Mapping[str, yaml.Node], node: yaml.MappingNode) -> TargetSpec:
    to = text_of(said, own["to"], "`to`")
    least = word_of(said, own["at_least"], "`at_least`", LEVELS) if "at_least" in own else LEVELS[0]
    if to not in TARGETS:
        for word, inner in node.value:
            if word.value not in OWN:
                said.hide(inner)
        hint = did_you_mean(to, TARGETS) or "there are: " + ", ".join(TARGETS)
        said.add("P201", f"nothing can be delivered to `{to}`", own["to"], hint)
        return TargetSpec(key, to)
    return TargetSpec(key, to, least, settings_of(said, node, OWN, target_schema(to), f"a target `{to}`"))
