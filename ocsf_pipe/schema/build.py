"""An export's dictionaries → the values of `model`, one class, object or type at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from ocsf_pipe.schema.export import Raw, dictionary, profiles_of
from ocsf_pipe.schema.model import Attribute, Constraints, EventClass, ObjectType, ScalarType

T = TypeVar("T")

_BASES = {"string_t", "integer_t", "long_t", "float_t", "boolean_t", "json_t"}


class OnDemand(Mapping[str, T], Generic[T]):
    """A read-only mapping that makes a value when it is first asked for, and keeps it.

    Building all 83 classes of OCSF 1.8 costs more than reading the file; a mapping uses a handful.
    """

    __slots__ = ("_made", "_make", "_raw")

    def __init__(self, raw: Raw, make: Callable[[str, Raw], T]) -> None:
        self._raw = raw
        self._make = make
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._make(name, self._raw[name])
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._raw))

    def __len__(self) -> int:
        return len(self._raw)

    def __contains__(self, name: object) -> bool:
        return name in self._raw


def event_class(export: Raw, name: str, raw: Raw) -> EventClass:
    """Build the class of this name."""
    attributes = _attributes(export, raw)
    return EventClass(
        name=name,
        uid=raw.get("uid", 0),
        caption=raw["caption"],
        category_uid=raw.get("category_uid", 0),
        category_name=raw["category"],
        category_caption=_category_caption(raw, attributes),
        attributes=attributes,
        constraints=_constraints(raw),
        profiles=tuple(sorted(raw.get("profiles") or ())),
        observables=raw.get("observables") or {},
        description=raw.get("description", ""),
        deprecated=_deprecated(raw),
    )


def _category_caption(raw: Raw, attributes: Mapping[str, Attribute]) -> str:
    """The base event has no category of its own; what it is called stands only in its enum."""
    uid = attributes.get("category_uid")
    enum = (uid.enum if uid else None) or {}
    caption: str = raw.get("category_name") or enum.get(str(raw.get("category_uid", 0)), raw["category"])
    return caption


def object_type(export: Raw, name: str, raw: Raw) -> ObjectType:
    """Build the object of this name."""
    return ObjectType(
        name=name,
        caption=raw["caption"],
        attributes=_attributes(export, raw),
        constraints=_constraints(raw),
        observable=raw.get("observable"),
        observables=raw.get("observables") or {},
        description=raw.get("description", ""),
        deprecated=_deprecated(raw),
    )


def scalar_type(name: str, raw: Raw) -> ScalarType:
    """Build the scalar type of this name. A type that says nothing of its base is text, as in 1.0.0-rc.2."""
    low_high = raw.get("range")
    return ScalarType(
        name=name,
        base=name if name in _BASES else raw.get("type", "string_t"),
        caption=raw.get("caption", ""),
        regex=_regex(raw.get("regex")),
        max_len=raw.get("max_len"),
        range=(low_high[0], low_high[1]) if low_high else None,
        observable=raw.get("observable"),
    )


def _regex(pattern: str | None) -> str | None:
    """1.0.0 states the pattern of an address in the PCRE dialect, with recursion; only that dialect can check it."""
    try:
        re.compile(pattern or "")
    except re.error:
        return None
    return pattern


def _attributes(export: Raw, raw: Raw) -> Mapping[str, Attribute]:
    known = dictionary(export)
    return {
        name: _attribute(name, attribute, dictionary_observable(known, name, attribute))
        for name, attribute in sorted(raw["attributes"].items())
    }


def _attribute(name: str, raw: Raw, in_dictionary: int | None) -> Attribute:
    scalar = raw["type"] != "object_t"
    return Attribute(
        name=name,
        caption=raw.get("caption", name),
        type=raw["type"],
        object_type=None if scalar else raw["object_type"],
        is_array=bool(raw.get("is_array")),
        requirement=raw.get("requirement") or "optional",
        enum=_enum(raw.get("enum")),
        sibling=raw.get("sibling"),
        profiles=profiles_of(raw),
        observable=raw.get("observable", in_dictionary),
        deprecated=_deprecated(raw),
        description=raw.get("description", ""),
    )


def dictionary_observable(known: Raw, name: str, raw: Raw) -> int | None:
    """Return what the dictionary declares the attribute to be; an extension's entry carries the extension's name."""
    entry = known.get(name) or known.get(f"{raw.get('extension')}/{name}") or {}
    found: int | None = entry.get("observable")
    return found


def _enum(raw: Raw | None) -> dict[str, str] | None:
    """Exports keep no order, so numbers are put in theirs and words in the alphabet's."""
    if not raw:
        return None
    return {key: raw[key].get("caption", key) for key in sorted(raw, key=_enum_order)}


def _enum_order(key: str) -> tuple[int, str]:
    try:
        return int(key), key
    except ValueError:
        return 0, key


def _constraints(raw: Raw) -> Constraints:
    found = raw.get("constraints") or {}
    return Constraints(tuple(found.get("at_least_one", ())), tuple(found.get("just_one", ())))


def _deprecated(raw: Raw) -> str | None:
    note = raw.get("@deprecated")
    return note.get("message", "") if note else None
