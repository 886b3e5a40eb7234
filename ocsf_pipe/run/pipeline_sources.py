"""The sources of a pipeline file: which connector, which mappings, which settings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_args

import yaml

from ocsf_connectors import CONNECTORS
from ocsf_pipe.errors import Diagnostic, MappingError, OcsfPipeError, did_you_mean
from ocsf_pipe.mapping.catalogue import Listed, find_mapping
from ocsf_pipe.mapping.compile import read_text
from ocsf_pipe.run.pipeline import SourceSpec, Tier
from ocsf_pipe.run.pipeline_complaints import Complaints
from ocsf_pipe.run.pipeline_settings import settings_of
from ocsf_pipe.run.pipeline_values import name_of, text_of, word_of

OWN = ("connector", "mapping", "content")
"""The keys of a source that are not settings of its connector."""
AUTO = "auto"
TIERS: tuple[Tier, ...] = get_args(Tier)


def settings_schema(connector: str) -> Mapping[str, Any] | None:
    """The JSON Schema of a connector's settings; None where this installation has no such connector."""
    if connector not in CONNECTORS:
        return None
    try:
        module = import_module(CONNECTORS[connector])
    except ModuleNotFoundError as error:
        if error.name == CONNECTORS[connector]:
            return None
        raise
    schema: Mapping[str, Any] | None = getattr(module, "SETTINGS", None)
    return schema


def sources_of(said: Complaints, node: yaml.Node) -> tuple[SourceSpec, ...]:
    """Every source that is said of one; complaints about the rest."""
    found = []
    checked: dict[str, bool] = {}
    for key, span, value in said.reader.entries(node, "`sources`"):
        name_of(said, _key(node, key), "a source")
        if not isinstance(value, yaml.MappingNode):
            said.add("P104", f"the source `{key}` must be a mapping", value, "write `connector: …` below it")
        elif "connector" not in {word.value for word, _ in value.value if isinstance(word, yaml.ScalarNode)}:
            said.reader.complain("P103", f"`connector` is missing in the source `{key}`", span, _connectors())
        else:
            found += [_source(said, key, value, checked)]
    if isinstance(node, yaml.MappingNode) and not node.value:
        said.add("P103", "`sources` names no source", node, "write `NAME: {connector: …}` below it")
    return tuple(found)


def _key(node: yaml.Node, key: str) -> yaml.Node:
    return next(word for word, _ in node.value if isinstance(word, yaml.ScalarNode) and word.value == key)


def _connectors() -> str:
    return "add `connector:`, one of " + ", ".join(sorted(CONNECTORS))


def _source(said: Complaints, name: str, node: yaml.MappingNode, checked: dict[str, bool]) -> SourceSpec:
    words = {key: value for key, value in reversed(node.value) if isinstance(key, yaml.ScalarNode)}
    own = {key.value: value for key, value in words.items() if key.value in OWN}
    connector = text_of(said, own["connector"], "`connector`")
    schema = _schema(said, connector, own["connector"])
    if schema is None:
        # The settings of a connector that is not known may be anything, secrets among them: no line shows them.
        for key, value in node.value:
            if not (isinstance(key, yaml.ScalarNode) and key.value in OWN):
                said.hide(value)
    mappings = _mappings(said, own["mapping"], checked) if "mapping" in own else ()
    settings = {} if schema is None else settings_of(said, node, OWN, schema, f"the connector `{connector}`")
    tier = word_of(said, own["content"], "`content`", TIERS) if "content" in own else None
    return SourceSpec(name, connector, mappings, settings, tier)


def _schema(said: Complaints, connector: str, node: yaml.Node) -> Mapping[str, Any] | None:
    if connector not in CONNECTORS:
        if connector:
            hint = did_you_mean(connector, CONNECTORS) or "there are: " + ", ".join(sorted(CONNECTORS))
            said.add("P201", f"no connector `{connector}`", node, hint)
        return None
    try:
        schema = settings_schema(connector)
    except (ImportError, OcsfPipeError) as error:
        hint = getattr(error, "hint", None) or f"pip install 'ocsf-pipe[{connector}]'"
        said.add("P201", f"the connector `{connector}` cannot be loaded: {error}", node, hint)
        return None
    if schema is None:
        said.add("P201", f"this version has no connector `{connector}`", node, "install a newer ocsf-pipe")
    return schema


def _mappings(said: Complaints, node: yaml.Node, checked: dict[str, bool]) -> tuple[str, ...]:
    """The names of the mappings, each of which compiles; none for `auto`."""
    if isinstance(node, yaml.ScalarNode):
        name = text_of(said, node, "`mapping`")
        if name == AUTO or not name:
            return ()
        _check(said, name, node, checked)
        return (name,)
    names = []
    for item in said.reader.items(node, "`mapping`"):
        name = text_of(said, item, "a mapping")
        if name in names:
            said.add("P105", f"`{name}` stands twice in `mapping`", item, "keep one of them")
        elif name == AUTO:
            said.add("P203", "`auto` is every mapping and stands alone", item, "write `mapping: auto`")
        elif name:
            names.append(name)
            _check(said, name, item, checked)
    if isinstance(node, yaml.SequenceNode) and not node.value:
        said.add("P104", "`mapping` names no mapping", node, "name one, or write `auto`: the records tell")
    return tuple(names)


def _check(said: Complaints, name: str, node: yaml.Node, checked: dict[str, bool]) -> None:
    """Complain where there is no such mapping, or it does not compile; its own complaints follow once."""
    try:
        listed = find_mapping(name)
    except OcsfPipeError as error:
        said.add("P203", f"no mapping `{name}`", node, error.hint or "`ocsf-pipe mapping list` names them all")
        return
    try:
        _ = listed.plan
    except MappingError as error:
        count = len(error.diagnostics)
        fact = f"the mapping `{name}` does not compile: {count} complaint{'s' * (count > 1)}"
        said.add("P204", fact, node, f"see `ocsf-pipe mapping check {name}`")
        if not checked.get(name):
            said.of_another_file(*_complaints(listed, error))
        checked[name] = True
    except OSError as error:
        said.add("P203", f"`{listed.path}` cannot be read: {error.strerror}", node, "check its permissions")


def _complaints(listed: Listed, error: MappingError) -> tuple[tuple[Diagnostic, ...], str]:
    """What is wrong with a mapping, and its text."""
    try:
        source = read_text(listed.path)
    except (MappingError, OSError):
        return error.diagnostics, ""
    return error.diagnostics, source
