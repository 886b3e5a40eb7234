"""The settings of one source: read by the connector's schema, secrets fetched, misfits said with their places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from ocsf_pipe.errors import OcsfPipeError, nearest
from ocsf_pipe.run.pipeline_complaints import SECRETIVE, Complaints
from ocsf_pipe.run.pipeline_misfits import Misfit, Path, dotted, misfits
from ocsf_pipe.run.pipeline_secrets import Secret, fetched, revealed

Schema = Mapping[str, Any]
_WITH_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]*@")
_REMEDY = "write `{env: NAME}` or `{file: PATH}`: the file that runs a pipeline holds no secret"


@dataclass(slots=True)
class Settings:
    """Settings as they are read: where each stands, which are secret, not to be had, or one of a few words."""

    said: Complaints
    root: Schema
    nodes: dict[Path, yaml.Node] = field(default_factory=dict)
    keys: dict[Path, yaml.Node] = field(default_factory=dict)
    secret: set[Path] = field(default_factory=set)
    unread: set[Path] = field(default_factory=set)
    listed: set[Path] = field(default_factory=set)

    def value(self, node: yaml.Node, schemas: Sequence[Schema], path: Path) -> Any:
        """A node as plain data with `Secret`s in it; `schemas` are all that speak of this place."""
        self.nodes[path] = node
        if any("enum" in schema or "const" in schema for schema in schemas):
            self.listed.add(path)
        if any(schema.get("format") == "secret" for schema in schemas):
            return self._secret(node, path)
        if isinstance(node, yaml.MappingNode):
            return self.table(node, schemas, path, ())
        if isinstance(node, yaml.SequenceNode):
            inner = self._of(schema["items"] for schema in schemas if isinstance(schema.get("items"), dict))
            return [self.value(item, inner, (*path, number)) for number, item in enumerate(node.value)]
        if _WITH_PASSWORD.search(str(node.value)):
            self.secret.add(path)
            self.said.hide(node)
        return self.said.reader.plain(node)

    def table(
        self, node: yaml.MappingNode, schemas: Sequence[Schema], path: Path, leave_out: Sequence[str]
    ) -> dict[str, Any]:
        """A mapping node as plain data, without the keys of `leave_out`."""
        found = {}
        for key, _, value in self.said.reader.entries(node, f"`{dotted(path)}`" if path else "a source"):
            if key in leave_out:
                continue
            place = (*path, key)
            self.keys[place] = next(word for word, _ in node.value if word.value == key)
            inner = self._of(self._property(schemas, key))
            if not inner:
                self._suspect(key, value, schemas, place)
            found[key] = self.value(value, inner, place)
        return found

    def _suspect(self, key: str, node: yaml.Node, schemas: Sequence[Schema], place: Path) -> None:
        """A misspelt key may hold a secret: neither it nor its line is shown then."""
        meant = nearest(key, {name for schema in schemas for name in schema.get("properties", {})})
        secret = meant and any(s.get("format") == "secret" for s in self._of(self._property(schemas, meant)))
        if secret or SECRETIVE.search(key):
            self.secret.add(place)
            self.said.hide(node)

    def _property(self, schemas: Sequence[Schema], key: str) -> Iterator[Schema]:
        for schema in schemas:
            if key in schema.get("properties", {}):
                yield schema["properties"][key]
            elif isinstance(schema.get("additionalProperties"), Mapping):
                yield schema["additionalProperties"]

    def _of(self, schemas: Iterable[Any]) -> list[Schema]:
        """Schemas with all that they refer to or are made of."""
        found: list[Schema] = []
        pending = [schema for schema in schemas if isinstance(schema, Mapping)]
        while pending:
            schema = pending.pop()
            found.append(schema)
            if "$ref" in schema:
                pending.append(self._referred(schema["$ref"]))
            for word in ("allOf", "anyOf", "oneOf"):
                pending += schema.get(word, ())
            pending += [schema[word] for word in ("if", "then", "else") if isinstance(schema.get(word), Mapping)]
        return found

    def _referred(self, reference: str) -> Schema:
        place: Any = self.root
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        schema: Schema = place
        return schema

    def _secret(self, node: yaml.Node, path: Path) -> Secret:
        self.secret.add(path)
        keys = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
        if keys not in (["env"], ["file"]):
            self.said.hide(node)
            what = "is a secret and stands in the file" if isinstance(node, yaml.ScalarNode) else "is no reference"
            self.said.add("P301", f"`{dotted(path)}` {what}", node, _REMEDY)
            return self._none(path)
        where = self.said.reader.text(node.value[0][1], f"`{keys[0]}`")
        try:
            return fetched(keys[0], where)
        except OcsfPipeError as error:
            self.said.add("P302", str(error), node.value[0][1], error.hint)
            return self._none(path)

    def _none(self, path: Path) -> Secret:
        self.unread.add(path)
        return Secret("", "nowhere")

    def complain(self, misfit: Misfit) -> None:
        """Say one thing that does not fit, unless something is said of that very secret already."""
        if misfit.path in self.unread:
            return
        node = (self.keys if misfit.at_key else self.nodes).get(misfit.path, self.nodes[()])
        self.said.add(misfit.code, misfit.fact, node, misfit.hint)


def settings_of(
    said: Complaints, node: yaml.MappingNode, leave_out: Sequence[str], schema: Schema, what: str
) -> dict[str, Any]:
    """The settings of a source as its connector's schema wants them; complaints where they do not fit.

    `leave_out` are the keys of the source that are not the connector's; `what` names the connector.
    """
    settings = Settings(said, schema)
    settings.nodes[()] = node
    found = settings.table(node, settings._of([schema]), (), leave_out)  # noqa: SLF001 - its own module
    # What is named like a secret is not repeated either, unless it is one of a few words, such as a `sasl_mechanism`.
    private = settings.secret | {path for path in settings.keys if SECRETIVE.search(str(path[-1]))} - settings.listed
    for error in Draft202012Validator(schema).iter_errors(revealed(found)):
        for misfit in misfits(error, what, private):
            settings.complain(misfit)
    return found
