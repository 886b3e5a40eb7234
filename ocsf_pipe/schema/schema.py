"""One OCSF schema: look up classes, attributes by path, types and observables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache, partial
from pathlib import Path

from ocsf_pipe.errors import SchemaError, did_you_mean, nearest
from ocsf_pipe.schema.build import OnDemand, dictionary_observable, event_class, object_type, scalar_type
from ocsf_pipe.schema.export import DEFAULT_VERSION, Place, Raw, dictionary, locate, profiles_of, types
from ocsf_pipe.schema.extension import complete
from ocsf_pipe.schema.model import Attribute, EventClass, ExtensionRef, ObjectType, ScalarType


def load(version: str | Path = DEFAULT_VERSION) -> Schema:
    """Return the schema of an OCSF release, or of an exported schema file by its path; the same one each time.

    The shipped extensions are in it, from OCSF 1.8 on. A file that has changed since is read again. SchemaError when
    there is no such release or file.
    """
    return _load(locate(version))


@lru_cache(maxsize=4)
def _load(place: Place) -> Schema:
    return Schema(complete(place))


class Schema:
    """An OCSF schema. Classes, objects and types are built when first asked for."""

    def __init__(self, export: Raw) -> None:
        """Take an export as it was read; it may not change afterwards."""
        self._export = export
        self.version: str = export["version"]
        self.classes: Mapping[str, EventClass] = OnDemand(export["classes"], partial(event_class, export))
        self.objects: Mapping[str, ObjectType] = OnDemand(export["objects"], partial(object_type, export))
        self.types: Mapping[str, ScalarType] = OnDemand(types(export), scalar_type)

    @cached_property
    def profiles(self) -> tuple[str, ...]:
        """The names of all profiles, sorted; those of an extension carry its name: `linux/linux_users`."""
        if "profiles" in self._export:
            return tuple(sorted(self._export["profiles"]))
        owners = [*self._export["classes"].values(), *self._export["objects"].values()]
        listed = {name for owner in owners for name in owner.get("profiles") or ()}
        used = {name for owner in owners for raw in owner["attributes"].values() for name in profiles_of(raw)}
        return tuple(sorted(listed | used))

    def extension_of(self, profile: str) -> ExtensionRef | None:
        """Return the extension that a profile is of; None for OCSF's own and for those that travel with OCSF."""
        about = self._export.get("extensions", {}).get(profile.partition("/")[0])
        if "/" not in profile or about is None or about.get("platform_extension?"):
            return None
        return ExtensionRef(about["name"], str(about["uid"]), about["version"])

    @cached_property
    def _names(self) -> Mapping[int, str]:
        return {raw.get("uid", 0): name for name, raw in self._export["classes"].items()}

    def event_class(self, name: str) -> EventClass:
        """Return the class of this name; SchemaError naming the nearest when there is none."""
        if name in self.classes:
            return self.classes[name]
        hint = _qualified(name, self.classes) or did_you_mean(name, self.classes)
        raise SchemaError(f"there is no class `{name}` in OCSF {self.version}", hint)

    def class_by_uid(self, uid: int) -> EventClass:
        """Return the class with this `class_uid`; SchemaError when there is none."""
        if uid in self._names:
            return self.classes[self._names[uid]]
        raise SchemaError(f"there is no class with class_uid {uid} in OCSF {self.version}")

    def object(self, name: str) -> ObjectType:
        """Return the object of this name; SchemaError naming the nearest when there is none."""
        if name in self.objects:
            return self.objects[name]
        hint = _qualified(name, self.objects) or did_you_mean(name, self.objects)
        raise SchemaError(f"there is no object `{name}` in OCSF {self.version}", hint)

    def type(self, name: str) -> ScalarType:
        """Return the scalar type of this name; SchemaError naming the nearest when there is none."""
        if name in self.types:
            return self.types[name]
        raise SchemaError(f"there is no type `{name}` in OCSF {self.version}", did_you_mean(name, self.types))

    def attribute(self, class_name: str, path: str) -> Attribute:
        """Return the attribute at a dotted path of a class; lists on the way carry no mark: `resources.uid`.

        SchemaError naming the nearest when the class, or an attribute on the way, is not there.
        """
        kind = self.event_class(class_name)
        first, *rest = path.split(".")
        found, walked = _pick(kind.attributes, first, "", f"class `{kind.name}`"), first
        for name in rest:
            inner = self._inside(found, walked)
            found = _pick(inner.attributes, name, f"{walked}.", f"object `{inner.name}` (at `{walked}`)")
            walked = f"{walked}.{name}"
        return found

    def _inside(self, attribute: Attribute, path: str) -> ObjectType:
        if attribute.object_type is None:
            raise SchemaError(f"`{path}` is a {attribute.type} and has no attributes")
        inner = self.object(attribute.object_type)
        if not inner.attributes:
            raise SchemaError(f"`{path}` holds free-form JSON and has no attributes of its own")
        return inner

    def observable(self, class_name: str, path: str) -> int | None:
        """Return the observable type id of the attribute at a path of a class; None when it is no observable.

        Where several declarations meet, the most general one holds, as OCSF asks: the type, the dictionary's
        attribute, the object, the attribute of this class or object, the path of this class.
        """
        attribute = self.attribute(class_name, path)
        declared = (
            self.type(attribute.type).observable if attribute.object_type is None else None,
            dictionary_observable(dictionary(self._export), attribute.name, {}),
            self.object(attribute.object_type).observable if attribute.object_type else None,
            attribute.observable,
            self._by_path(class_name, path),
        )
        return next((uid for uid in declared if uid is not None), None)

    def _by_path(self, class_name: str, path: str) -> int | None:
        return self.classes[class_name].observables.get(path)


def _qualified(name: str, known: Iterable[str]) -> str | None:
    """Hint for an extension's name that was written without the extension."""
    found = [other for other in known if other.endswith(f"/{name}")]
    return f"write `{found[0]}`" if found else None


def _pick(attributes: Mapping[str, Attribute], name: str, walked: str, owner: str) -> Attribute:
    if name in attributes:
        return attributes[name]
    found = nearest(name, attributes)
    raise SchemaError(f"{owner} has no attribute `{name}`", f"did you mean `{walked}{found}`?" if found else None)
