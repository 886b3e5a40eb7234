"""Whether an event keeps to OCSF, asked of JSON Schemas that we did not write.

This is the oracle of the tests: `ocsf-json-schema` generates the schemas and `jsonschema` applies them, so a mistake in
our own reading of OCSF cannot hide itself here. Our own model only words the complaints.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded

from ocsf_pipe.errors import SchemaError, did_you_mean
from ocsf_pipe.schema.complaints import complaints
from ocsf_pipe.schema.export import DEFAULT_VERSION, Place, locate
from ocsf_pipe.schema.extension import complete
from ocsf_pipe.schema.model import EventClass
from ocsf_pipe.schema.schema import load


def validator(version: str | Path = DEFAULT_VERSION) -> Validator:
    """Return the validator of an OCSF release or of an exported schema file; the same one each time."""
    return _validator(locate(version), version)


@lru_cache(maxsize=4)
def _validator(place: Place, version: str | Path) -> Validator:
    return Validator(place, version)


class Validator:
    """Validates whole events; compiles one JSON Schema for each class and set of profiles, and keeps it."""

    def __init__(self, place: Place, version: str | Path) -> None:
        self._schema = load(version)
        # embedded beats a registry of references: 7 ms against 40 ms to build, 1.7 against 1.9 ms an event
        self._source = OcsfJsonSchemaEmbedded(complete(place))
        self._compiled: dict[tuple[str, tuple[str, ...]], Draft202012Validator] = {}

    def errors(self, event: object) -> list[str]:
        """Return everything that is wrong with an event, each as `path: fact, expected what`; empty when valid.

        The class is the event's `class_uid`, the profiles are its `metadata.profiles`. A null is a value like any
        other, and OCSF takes none: leave unset attributes out.
        """
        if not isinstance(event, dict):
            return ["the event is not an object"]
        uid = event.get("class_uid")
        if not isinstance(uid, int) or isinstance(uid, bool):
            return ["class_uid: is missing or not a number, expected the uid of a class"]
        try:
            kind = self._schema.class_by_uid(uid)
        except SchemaError as error:
            return [f"class_uid: {error}"]
        profiles = claimed(event)
        found = [*self._profiles(kind, profiles), *self._violations(kind, profiles, event)]
        return list(dict.fromkeys(found))

    def _profiles(self, kind: EventClass, claimed: tuple[str, ...]) -> Iterator[str]:
        for name in claimed:
            if name not in self._schema.profiles:
                hint = did_you_mean(name, self._schema.profiles)
                fact = f"`{name}` is no profile of OCSF {self._schema.version}"
                yield f"metadata.profiles: {fact}" + (f", {hint}" if hint else "")
            elif name not in kind.profiles:
                yield f"metadata.profiles: `{name}` is no profile of class `{kind.name}`"

    def _violations(self, kind: EventClass, profiles: tuple[str, ...], event: dict[str, Any]) -> Iterator[str]:
        for error in self._compile(kind.name, profiles).iter_errors(event):
            yield from complaints(self._schema, kind.name, error)

    def _compile(self, name: str, profiles: tuple[str, ...]) -> Draft202012Validator:
        key = (name, profiles)
        if key not in self._compiled:
            self._compiled[key] = Draft202012Validator(self._source.get_class_schema(name, list(profiles)))
        return self._compiled[key]


def claimed(event: dict[str, Any]) -> tuple[str, ...]:
    """Return the profiles that an event claims, sorted, each once; none when it says nothing readable."""
    metadata = event.get("metadata")
    profiles = metadata.get("profiles") if isinstance(metadata, dict) else None
    if not isinstance(profiles, list):
        return ()
    return tuple(sorted({name for name in profiles if isinstance(name, str)}))
