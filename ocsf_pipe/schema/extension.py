"""An OCSF extension, as its author writes it, merged into an export as an OCSF server would merge it.

The folder has `extension.json`, `dictionary.json`, `profiles/`, `objects/` and `events/`. A file of the last two that
`extends` something and has no `name` adds to what is there; one with a name is new, and is known to others as
`<extension>/<name>`. Where a later release has an attribute or object of the same name, the release's own holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ocsf_pipe.bundled import schemas_dir
from ocsf_pipe.errors import SchemaError
from ocsf_pipe.schema.export import Place, Raw, read

_EVERY_CLASS = "base_event"  # every class descends from it, though exports leave out the classes between


@dataclass(frozen=True, slots=True)
class Extension:
    """The files of an extension, as they are."""

    about: Raw
    dictionary: Raw
    profiles: Mapping[str, Raw]
    objects: tuple[Raw, ...]
    events: tuple[Raw, ...]

    @property
    def name(self) -> str:
        """The name that its profiles and objects carry before a slash."""
        return str(self.about["name"])


def read_extension(folder: Path) -> Extension:
    """Read the files of an extension; SchemaError when one of them is not there or no JSON."""
    return Extension(
        about=_json(folder / "extension.json"),
        dictionary=_json(folder / "dictionary.json")["attributes"],
        profiles={path.stem: _json(path) for path in sorted(folder.glob("profiles/*.json"))},
        objects=tuple(_json(path) for path in sorted(folder.glob("objects/*.json"))),
        events=tuple(_json(path) for path in sorted(folder.glob("events/*.json"))),
    )


def extended(export: Raw, extension: Extension) -> Raw:
    """Return the export with the extension in it; the export itself where it has it, or lacks what it builds on."""
    if not _fits(export, extension):
        return export
    return _Merge(export, extension).result()


@lru_cache(maxsize=4)
def complete(place: Place) -> Raw:
    """Return an export with the shipped extensions in it, each once. Nobody may change what this returns."""
    export = read(place)
    for folder in sorted((schemas_dir() / "extensions").iterdir()):
        export = extended(export, read_extension(folder))
    return export


def _json(path: Path) -> Raw:
    try:
        found: Raw = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SchemaError(f"`{path}` is no file of an OCSF extension: {error}") from error
    return found


def _fits(export: Raw, extension: Extension) -> bool:
    """Exports before 1.8 have another shape, and a made-up schema has not the classes."""
    if "dictionary" not in export or extension.name in export.get("extensions", {}):
        return False
    wanted = {patch["extends"] for patch in extension.objects if "name" not in patch}
    return wanted <= set(export["objects"]) and {patch["extends"] for patch in extension.events} <= set(
        export["classes"]
    )


class _Merge:
    """One merge; copies what it changes, for an export is shared."""

    def __init__(self, export: Raw, extension: Extension) -> None:
        self.extension = extension
        self.export = {
            **export,
            "dictionary": {**export["dictionary"], "attributes": dict(export["dictionary"]["attributes"])},
            "objects": dict(export["objects"]),
            "classes": dict(export["classes"]),
            "profiles": dict(export.get("profiles", {})),
            "extensions": {**export.get("extensions", {}), extension.name: extension.about},
        }
        self.core = export

    def result(self) -> Raw:
        """Do it, in the order in which one part needs the other."""
        known = self.export["dictionary"]["attributes"]
        for name, entry in self.extension.dictionary.items():
            if name not in known:
                known[f"{self.extension.name}/{name}"] = self._typed(entry)
        for name, profile in self.extension.profiles.items():
            about = {key: value for key, value in profile.items() if key != "attributes"}
            own = {"extension": self.extension.name, "extension_id": self.extension.about["uid"]}
            self.export["profiles"][f"{self.extension.name}/{name}"] = {**about, **own}
        for raw in self.extension.objects:
            if "name" not in raw:
                self._patch("objects", raw)
            elif raw["name"] not in self.core["objects"]:
                made = {**raw, "name": self._named(raw["name"]), "attributes": dict(self._attributes(raw))}
                self.export["objects"][made["name"]] = made
        for raw in self.extension.events:
            self._patch("classes", raw)
        return self.export

    def _patch(self, kind: str, raw: Raw) -> None:
        added = dict(self._attributes(raw))
        for name in _descendants(self.export[kind], raw["extends"]):
            owner = self.export[kind][name]
            attributes = {**owner["attributes"]}
            for key, attribute in added.items():
                attributes[key] = _with(attributes[key], attribute) if key in attributes else attribute
            profiles = sorted({*(owner.get("profiles") or ()), *raw.get("profiles", ())})
            self.export[kind][name] = {**owner, "attributes": attributes, "profiles": profiles}

    def _attributes(self, raw: Raw) -> Iterator[tuple[str, Raw]]:
        for name, given in raw["attributes"].items():
            if name == "$include":
                for path in given:
                    yield from self._included(Path(path).stem)
            else:
                yield name, self._attribute(name, given, given.get("profile"))

    def _included(self, profile: str) -> Iterator[tuple[str, Raw]]:
        for name, given in self.extension.profiles[profile]["attributes"].items():
            yield name, self._attribute(name, given, f"{self.extension.name}/{profile}")

    def _attribute(self, name: str, given: Raw, profile: str | None) -> Raw:
        """What the dictionary says, and over it what is said at the place of use."""
        known = self.core["dictionary"]["attributes"].get(name)
        entry = known if known is not None else self._typed(self.extension.dictionary.get(name))
        if entry is None:
            raise SchemaError(f"extension `{self.extension.name}` uses `{name}`, which no dictionary has")
        enum = {**(entry.get("enum") or {}), **(given.get("enum") or {})}
        made = {**entry, **given, "profiles": [profile] if profile else None} | ({"enum": enum} if enum else {})
        made.pop("profile", None)
        return made

    def _typed(self, entry: Raw | None) -> Raw | None:
        if entry is None or "object_type" not in entry:
            return entry
        return {**entry, "object_type": self._named(entry["object_type"])}

    def _named(self, name: str) -> str:
        """An object of ours carries the extension's name, one of the release does not."""
        return name if name in self.core["objects"] else f"{self.extension.name}/{name}"


def _with(there: Raw, added: Raw) -> Raw:
    """An attribute that a profile brings in already is brought in by ours as well; one that is always there stays."""
    if not there.get("profiles"):
        return there
    return {
        **there,
        "profiles": [*there["profiles"], *(p for p in added["profiles"] or () if p not in there["profiles"])],
    }


def _descendants(owners: Mapping[str, Raw], name: str) -> list[str]:
    if name == _EVERY_CLASS:
        return list(owners)
    found = {name}
    while more := {each for each, raw in owners.items() if raw.get("extends") in found} - found:
        found |= more
    return sorted(found)
