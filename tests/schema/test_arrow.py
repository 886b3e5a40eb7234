"""Every attribute that is not a struct has one Arrow type, the same in every release."""

from __future__ import annotations

import pyarrow as pa
import pytest

from ocsf_pipe.errors import SchemaError
from ocsf_pipe.schema import load, versions
from ocsf_pipe.schema.arrow import arrow_type
from tests.schema.structures import structures


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("message", pa.large_string()),
        ("src_endpoint.ip", pa.large_string()),
        ("severity_id", pa.int64()),
        ("src_endpoint.port", pa.int64()),
        ("time", pa.int64()),
        ("time_dt", pa.timestamp("us", "UTC")),
        ("is_mfa", pa.bool_()),
        ("src_endpoint.location.lat", pa.float64()),
        ("unmapped", pa.large_string()),
        ("metadata.profiles", pa.list_(pa.large_string())),
        ("enrichments.data", pa.large_string()),
    ],
)
def test_an_attribute_has_the_arrow_type_of_its_ocsf_type(path: str, expected: pa.DataType) -> None:
    """Integers are 64 bits, epoch milliseconds stay numbers, JSON is text, an array is a list."""
    schema = load("1.8.0")
    assert arrow_type(schema, schema.attribute("authentication", path)) == expected


def test_an_object_with_attributes_is_not_one_column() -> None:
    """Its columns are those in use, which the schema cannot know."""
    schema = load("1.8.0")
    with pytest.raises(SchemaError, match="`user` is an object with attributes"):
        arrow_type(schema, schema.attribute("authentication", "user"))


@pytest.mark.parametrize("version", versions())
def test_every_scalar_type_of_every_release_has_an_arrow_type(version: str) -> None:
    """No attribute is left without a column type."""
    schema = load(version)
    for owner in structures(schema):
        for attribute in owner.attributes.values():
            if attribute.object_type is None:
                assert isinstance(arrow_type(schema, attribute), pa.DataType)
