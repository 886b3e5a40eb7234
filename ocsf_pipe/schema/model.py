"""What OCSF says, as plain values; nothing here computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ScalarType:
    """A type of single values and what it asks of them, beside the base type that carries them.

    `base` is one of string_t, integer_t, long_t, float_t, boolean_t, json_t; `regex` is None where OCSF states none
    or one that Python cannot compile; `range` holds both ends, inclusive.
    """

    name: str
    base: str
    caption: str = ""
    regex: str | None = None
    max_len: int | None = None
    range: tuple[int, int] | None = None
    observable: int | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute as its class or object uses it.

    `type` is the name of a scalar type, or 'object_t' with the object's name in `object_type`. `enum` maps a key as
    OCSF writes it ('0', '99') to its caption, and `sibling` names the attribute that holds that caption. With
    `profiles`, the attribute is there only in events that claim one of them. `observable` is what the attribute
    itself is declared to be; `Schema.observable` also asks its type and its object.
    """

    name: str
    caption: str
    type: str
    object_type: str | None = None
    is_array: bool = False
    requirement: str = "optional"
    enum: Mapping[str, str] | None = field(default=None, hash=False)
    sibling: str | None = None
    profiles: tuple[str, ...] = ()
    observable: int | None = None
    deprecated: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Constraints:
    """Attributes of which at least one, or exactly one, must be set; empty means no such demand."""

    at_least_one: tuple[str, ...] = ()
    just_one: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A reusable structure. The object named `object` has no attributes: it holds anything."""

    name: str
    caption: str
    attributes: Mapping[str, Attribute] = field(hash=False)
    constraints: Constraints = Constraints()
    observable: int | None = None
    observables: Mapping[str, int] = field(default_factory=dict, hash=False)
    description: str = ""
    deprecated: str | None = None


@dataclass(frozen=True, slots=True)
class ExtensionRef:
    """An extension as events name it in `metadata.extensions`."""

    name: str
    uid: str
    version: str


@dataclass(frozen=True, slots=True)
class EventClass:
    """One kind of event. The name of an extension's class carries the extension: `win/registry_key_activity`.

    `observables` maps an attribute path of this class to an observable type id.
    """

    name: str
    uid: int
    caption: str
    category_uid: int
    category_name: str
    category_caption: str
    attributes: Mapping[str, Attribute] = field(hash=False)
    constraints: Constraints = Constraints()
    profiles: tuple[str, ...] = ()
    observables: Mapping[str, int] = field(default_factory=dict, hash=False)
    description: str = ""
    deprecated: str | None = None

    @property
    def table(self) -> str:
        """The name of the lake's table for this class: the part after the extension."""
        return self.name.rpartition("/")[2]
