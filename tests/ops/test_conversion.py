"""The implied conversions are total, and their two forms agree."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsf_pipe.ops.conversion import Scalar, column_type, convert, convert_sql, convertible
from ocsf_pipe.ops.types import BOOLEAN, FLOAT, INTEGER, IP, JSON, TEXT, TIMESTAMP, Type
from tests.ops.near import arrow_type, near, same

SCALARS = [
    Scalar("string_t", "string_t"),
    Scalar("string_t", "string_t", max_len=5),
    Scalar("hostname_t", "string_t", regex="^[a-z.]+$"),
    Scalar("string_t", "string_t", values=("Logon", "Logoff")),
    Scalar("ip_t", "string_t", regex="[0-9a-f.:]+", max_len=40),
    Scalar("mac_t", "string_t", regex="[0-9A-F:]+"),
    Scalar("integer_t", "integer_t"),
    Scalar("port_t", "integer_t", low=0, high=65535),
    Scalar("long_t", "long_t"),
    Scalar("float_t", "float_t"),
    Scalar("boolean_t", "boolean_t"),
    Scalar("timestamp_t", "long_t"),
    Scalar("datetime_t", "string_t", regex=r"^\d"),
    Scalar("json_t", "json_t"),
]
SAMPLES: list[tuple[Type, Any]] = [
    (TEXT, "Logon"), (TEXT, "443"), (TEXT, "10.0.0.1"), (TEXT, "00:11:22:aa:bb:cc"), (TEXT, "2026-02-10T09:08:07.006Z"),
    (TEXT, "true"), (TEXT, "-1.5e3"), (TEXT, "9999-12-31T23:59:59.999Z"), (TEXT, "0001-01-01T00:00:00+14:00"),
    (IP, "10.0.0.1"), (JSON, '{"a":[1,null]}'), (JSON, '"text"'), (INTEGER, 443), (INTEGER, 253402300799999),
    (FLOAT, 443.0), (BOOLEAN, True), (TIMESTAMP, -62135596800000),
]  # fmt: skip
CONNECTION = duckdb.connect()


def in_duckdb(values: list[Any], kind: Type, scalar: Scalar) -> list[Any]:
    """What the SQL form makes of a column of values."""
    CONNECTION.register("given", pa.table({"n": range(len(values)), "x": pa.array(values, arrow_type(kind))}))
    query = f"select {convert_sql('x', kind, scalar)} from given order by n"
    return [row[0] for row in CONNECTION.sql(query).fetchall()]


@pytest.mark.parametrize(("kind", "value"), SAMPLES)
def test_both_forms_agree_on_values_that_are_nearly_right(kind: Type, value: Any) -> None:
    """Neither form raises, and what one makes null the other does too."""
    scalars = [scalar for scalar in SCALARS if convertible(kind, scalar)]

    @settings(max_examples=5)
    @given(st.lists(near(value, kind), min_size=10, max_size=10))
    def agree(drawn: list[Any]) -> None:
        values = [value, *drawn]
        for scalar in scalars:
            found, wanted = in_duckdb(values, kind, scalar), [convert(one, kind, scalar) for one in values]
            pairs = zip(values, found, wanted, strict=True)
            assert [(scalar.name, *p) for p in pairs if not same(p[1], p[2], column_type(scalar))] == []

    agree()


def test_a_float_is_an_integer_where_it_is_whole() -> None:
    """A fraction, an infinity and what 64 bits cannot hold are none."""
    values = [443.0, -0.0, 443.5, 2.0**63, -(2.0**63), math.inf, math.nan]
    wanted = [443, 0, None, None, -(2**63), None, None]
    number = Scalar("long_t", "long_t")
    assert [convert(value, FLOAT, number) for value in values] == wanted
    assert in_duckdb(values, FLOAT, number) == wanted


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        (-62135596800001, None),
        (-62135596800000, -62135596800000),
        (253402300799999, 253402300799999),
        (253402300800000, None),
        (2**63 - 1, None),
    ],
)
def test_a_time_is_between_the_years_1_and_9999(value: int, becomes: int | None) -> None:
    """Milliseconds that no calendar shows are no time, though they are a long integer."""
    time, number = Scalar("timestamp_t", "long_t"), Scalar("long_t", "long_t")
    assert convert(value, INTEGER, time) == becomes
    assert in_duckdb([value], INTEGER, time) == [becomes]
    assert convert(value, INTEGER, number) == value


def test_empty_text_is_no_value() -> None:
    """It converts to null, whatever is wanted."""
    assert {convert("", TEXT, scalar) for scalar in SCALARS} == {None}
