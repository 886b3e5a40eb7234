"""Everything in a schema that has attributes."""

from __future__ import annotations

from ocsf_pipe.schema import EventClass, ObjectType, Schema


def structures(schema: Schema) -> list[EventClass | ObjectType]:
    """Every class and every object of a schema."""
    return [*schema.classes.values(), *schema.objects.values()]
