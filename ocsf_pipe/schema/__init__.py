"""The OCSF model: event classes, objects, attributes, enums, profiles, observables and scalar types.

`load("1.8.0")` gives a `Schema`; `arrow` and `validate` are imported on their own, for they are heavy.
"""

from ocsf_pipe.schema.export import DEFAULT_VERSION, versions
from ocsf_pipe.schema.model import Attribute, Constraints, EventClass, ExtensionRef, ObjectType, ScalarType
from ocsf_pipe.schema.schema import Schema, load

__all__ = [
    "DEFAULT_VERSION",
    "Attribute",
    "Constraints",
    "EventClass",
    "ExtensionRef",
    "ObjectType",
    "ScalarType",
    "Schema",
    "load",
    "versions",
]
