"""JSON text is read and written in Python exactly as DuckDB reads and writes it."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsf_pipe.decode.json_text import JsonTextError, Number, dumps, number_text, parse, scalar_text

CONNECTION = duckdb.connect()
SEEDS = [
    "1.50", "1e5", "12345678901234567890", "1e400", "NaN", "-Infinity", "-0", "-0.0", "[1,]",
    '{"a":1,}', '{"a":1,"a":2}',
    "1e16", "1e21", "0.00001", "1e-7", "0.000001", "123456e-12", '"a\\u0000b"', '"\\ud83d\\ude00"', " 1 ", "inf",
    "null",
    '{"a":[1.50, 1e5, "x\\/y\\u00e9"],"b" : null}', '[true,false,{"x":{}},[],[[]]]', '"é\\n\\t\\u001f\\u007f\\\\u001f"',
    '{"":[{"k":-1.25E-9}]}', "18446744073709551616", "-9223372036854775808", '"\u2028"', '"\\u0007\\b\x7f"',
]  # fmt: skip
LETTERS = '0123456789.eE+-"\\u{}[],:nNaAiIfFtTlsr \t\n\r\v\f\0é😀dD8/'
_MANY = settings(max_examples=100, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def near_json(draw: st.DrawFn) -> str:
    """A seed after up to four changes of one character."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(["", *LETTERS])) + text[at + draw(st.integers(0, 1)) :]
    return text


def in_duckdb(texts: list[str]) -> list[tuple[bool, str | None, str | None]]:
    """Whether each text is JSON, its scalar text, and the JSON that DuckDB writes back."""
    CONNECTION.register("texts", pa.table({"row": range(len(texts)), "x": texts}))
    sql = """select json_valid(x), try(from_json(x, '"VARCHAR"')), try(cast(from_json(x, '"JSON"') as varchar))
             from texts order by row"""
    return CONNECTION.execute(sql).fetchall()


def in_python(text: str) -> tuple[bool, str | None, str | None]:
    """The same three of `parse`, `scalar_text` and `dumps`."""
    try:
        value = parse(text)
    except JsonTextError:
        return False, None, None
    return True, scalar_text(value), None if value is None else dumps(value)


@_MANY
@given(st.lists(near_json(), min_size=25, max_size=25))
def test_text_that_is_nearly_json_is_read_and_written_alike(texts: list[str]) -> None:
    """What DuckDB accepts is accepted, what it refuses is refused, and both write the same."""
    for text, found in zip(texts, in_duckdb(texts), strict=True):
        assert in_python(text) == found, text


@_MANY
@given(st.lists(st.floats() | st.floats(-1e22, 1e22) | st.floats(-1e-5, 1e-5), min_size=25, max_size=25))
def test_floats_are_written_alike(values: list[float]) -> None:
    """A float has one spelling as a scalar and one inside JSON, and both are DuckDB's."""
    texts = [repr(value) for value in values if math.isfinite(value)]
    for text, found in zip(texts, in_duckdb(texts), strict=True):
        assert in_python(text) == found, text


@_MANY
@given(st.lists(near_json(), min_size=25, max_size=25))
def test_a_value_of_the_wrong_kind_is_no_value(texts: list[str]) -> None:
    """Where a structure is asked for, DuckDB gives the fields of an object by the first of equal keys, else nothing."""
    records = [f'{{"a":{text},"a":0}}' for text in texts]
    CONNECTION.register("records", pa.table({"row": range(len(records)), "x": records}))
    sql = """select try(from_json(x, '{"a":"VARCHAR"}')) from records order by row"""
    for record, (found,) in zip(records, CONNECTION.execute(sql).fetchall(), strict=True):
        try:
            wanted = scalar_text(parse(record)["a"])
        except JsonTextError:
            assert found is None, record
        else:
            assert found == {"a": wanted}, record


def test_nesting_has_no_limit() -> None:
    """A list ten thousand deep is read and written back."""
    text = "[" * 10_000 + "]" * 10_000
    assert dumps(parse(text)) == text


def test_of_equal_keys_the_first_is_read_and_both_are_written() -> None:
    """The object is a dict of the first values that still writes every pair."""
    value = parse('{"a":1,"b":2,"a":3}')
    assert value == {"a": 1, "b": 2}
    assert dumps(value) == '{"a":1,"b":2,"a":3}'


@pytest.mark.parametrize("text", ["1e400", "NaN", "-inf", "123456789012345678901234567890"])
def test_a_number_beyond_64_bits_keeps_its_own_text(text: str) -> None:
    """It is a `Number`, told from a text of the same characters."""
    value: Any = parse(text)
    assert isinstance(value, Number)
    assert dumps([value, text]) == f'[{text},"{text}"]'


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "expected a value at character 0"),
        ('{"a" 1}', "expected `:` at character 5"),
        ("[1 2]", "expected `,` or `]` at character 3"),
        ("{a:1}", "expected a quoted key at character 1"),
        ("1 2", "more text after the document at character 2"),
        ('"\\ud800"', "half of a surrogate pair at character 7"),
    ],
)
def test_a_fault_names_its_place(text: str, fact: str) -> None:
    """The message says what was expected and at which character."""
    with pytest.raises(JsonTextError) as caught:
        parse(text)
    assert str(caught.value) == fact


@pytest.mark.parametrize(("value", "text"), [(1e21, "1e21"), (1e20, "100000000000000000000.0"), (1e-6, "0.000001")])
def test_a_float_has_an_exponent_only_outside_the_plain_range(value: float, text: str) -> None:
    """The range is from 10^-6 up to 10^21."""
    assert number_text(value) == text
