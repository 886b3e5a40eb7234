"""The Arrow type of an attribute's column."""

from __future__ import annotations

import pyarrow as pa

from ocsf_pipe.errors import SchemaError
from ocsf_pipe.schema.model import Attribute
from ocsf_pipe.schema.schema import Schema

# delta-rs does not widen int32 to int64 later, so every integer is 64 bits from the start
_BASES: dict[str, pa.DataType] = {
    "string_t": pa.large_string(),
    "integer_t": pa.int64(),
    "long_t": pa.int64(),
    "float_t": pa.float64(),
    "boolean_t": pa.bool_(),
    "json_t": pa.large_string(),
}


def arrow_type(schema: Schema, attribute: Attribute) -> pa.DataType:
    """Return the Arrow type of an attribute: a list of it where the attribute is an array.

    `datetime_t` is a timestamp in microseconds UTC, `timestamp_t` epoch milliseconds as int64, JSON and free-form
    objects are JSON text. SchemaError for an object with attributes: it is a struct of the columns in use.
    """
    single = _single(schema, attribute)
    return pa.list_(single) if attribute.is_array else single


def _single(schema: Schema, attribute: Attribute) -> pa.DataType:
    if attribute.object_type is not None:
        if schema.object(attribute.object_type).attributes:
            raise SchemaError(f"`{attribute.name}` is an object with attributes, not one column")
        return pa.large_string()
    if attribute.type == "datetime_t":
        return pa.timestamp("us", "UTC")
    return _BASES[schema.type(attribute.type).base]
