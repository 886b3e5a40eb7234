"""The types that a value of the mapping language has, and how each is spelled in DuckDB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ocsf_pipe.carried import Carried

Kind = Literal["text", "integer", "float", "boolean", "timestamp", "ip", "json", "list", "object", "null", "any"]


@dataclass(frozen=True, slots=True)
class Type(Carried):
    """One type: a scalar kind, a list with its item, or an object with its fields in order.

    `timestamp` is milliseconds since 1970-01-01 UTC held in a 64-bit integer; `ip` and `json` are text that is
    known to be an address or a JSON document; `null` is the type of a bare `null`; `any` appears only in what an
    op takes.
    """

    kind: Kind
    item: Type | None = None
    fields: tuple[tuple[str, Type], ...] = ()

    def __str__(self) -> str:
        """The type as an author writes it: `list({id: text})`."""
        if self.kind == "list":
            return f"list({self.item})"
        if self.kind == "object" and self.fields:
            return "{" + ", ".join(f"{name}: {kind}" for name, kind in self.fields) + "}"
        return self.kind

    def field(self, name: str) -> Type | None:
        """The type of one field of an object; None when there is no such field."""
        return next((kind for key, kind in self.fields if key == name), None)


TEXT = Type("text")
INTEGER = Type("integer")
FLOAT = Type("float")
BOOLEAN = Type("boolean")
TIMESTAMP = Type("timestamp")
IP = Type("ip")
JSON = Type("json")
NULL = Type("null")
ANY = Type("any")
OBJECT = Type("object")


def list_of(item: Type) -> Type:
    """The list whose elements are `item`."""
    return Type("list", item=item)


def object_of(**fields: Type) -> Type:
    """The object with these fields, in this order."""
    return Type("object", fields=tuple(fields.items()))


def united(one: Type, two: Type) -> Type:
    """The type that holds values of both: objects have the fields of both; `one` where they do not go together."""
    if one.kind == "null":
        return two
    if one.kind == two.kind == "list":
        return list_of(united(one.item or NULL, two.item or NULL))
    if one.kind == two.kind == "object":
        theirs = dict(two.fields)
        kept = [(name, united(kind, theirs.pop(name, NULL))) for name, kind in one.fields]
        return Type("object", fields=(*kept, *theirs.items()))
    return one
