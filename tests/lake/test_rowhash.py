"""The digest of a row is of what it holds: wherever it lies, and of nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsf_pipe.lake.attest import WIDTH
from ocsf_pipe.lake.rowhash import row_digests
from ocsf_pipe.lake.shape import conform, lake_schema

ROWS: list[dict[str, Any]] = [
    {"a": "x", "n": 1, "f": 0.5, "b": True, "s": {"p": "1", "q": None}, "l": [{"k": "a", "v": "b"}], "t": ["x", "y"]},
    {"a": "", "n": None, "f": None, "b": False, "s": None, "l": [], "t": None},
    {"a": None, "n": -3, "f": 1e300, "b": None, "s": {"p": None, "q": 2}, "l": [{"k": None, "v": "c"}], "t": [None]},
]


def digests(table: pa.Table) -> list[bytes]:
    """The digests, one a row."""
    found = row_digests(table)
    return [found[at : at + WIDTH] for at in range(0, len(found), WIDTH)]


def test_order_chunks_and_neighbours_do_not_matter() -> None:
    """A row of a slice, among other rows, after other columns, has the digest that it has alone."""
    table = pa.Table.from_pylist(ROWS)
    whole = digests(table)
    assert len(set(whole)) == 3
    assert [digests(table.slice(i, 1))[0] for i in range(3)] == whole
    assert digests(pa.concat_tables([table.slice(2), table.slice(0, 2)])) == [whole[2], *whole[:2]]
    assert digests(table.select(list(reversed(table.column_names)))) == whole


def test_what_a_lake_does_to_a_table_changes_nothing() -> None:
    """Wider types, columns and parts of structs that came later and are null."""
    table = pa.Table.from_pylist(ROWS)
    wide = lake_schema(table.schema)
    struct = pa.struct([*table.schema.field("s").type, pa.field("new", pa.large_string())])
    element = pa.struct([pa.field("more", pa.large_string()), *table.schema.field("l").type.value_type])
    later = pa.schema(
        [
            pa.field("z", pa.large_string()),
            *(field for field in wide if field.name not in {"s", "l"}),
            pa.field("s", struct),
            pa.field("l", pa.large_list(pa.field("element", element))),
        ]
    )
    assert digests(conform(conform(table, wide), lake_schema(later))) == digests(table)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": "x"}, {"a": "y"}),
        ({"a": ""}, {"a": None, "b": None}),
        ({"a": "xy", "b": "z"}, {"a": "x", "b": "yz"}),
        ({"a": "x", "b": None}, {"a": None, "b": "x"}),
        ({"l": ["a", "b"]}, {"l": ["ab"]}),
        ({"l": ["a", "bc"]}, {"l": ["ab", "c"]}),
        ({"l": ["a", None]}, {"l": [None, "a"]}),
        ({"l": ["a"]}, {"l": ["a", None]}),
        ({"l": [], "a": "x"}, {"l": None, "a": "x"}),
        ({"l": [{"k": "a", "v": "b"}]}, {"l": [{"k": "ab", "v": ""}]}),
        ({"l": [["a"], ["b"]]}, {"l": [["a", "b"]]}),
        ({"n": 1}, {"n": 11}),
        ({"f": 0.1}, {"f": 0.1 + 2**-54}),
        ({"b": True}, {"b": False}),
    ],
)
def test_two_rows_that_differ_have_two_digests(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Null is not empty, and no value runs over into its neighbour."""
    first, second = digests(pa.Table.from_pylist([one, other]))
    assert first != second


def test_every_type_that_a_lake_stores_has_bytes() -> None:
    """Times, days, binary, maps."""
    when = dt.datetime(2026, 2, 10, tzinfo=dt.UTC)
    columns = {
        "at": pa.array([when, when + dt.timedelta(microseconds=1)], pa.timestamp("us", "UTC")),
        "day": pa.array([when.date(), when.date()], pa.date32()),
        "raw": pa.array([b"\xff", b"\xff"], pa.large_binary()),
        "map": pa.array([[("a", "b")], [("a", "b")]], pa.map_(pa.string(), pa.string())),
    }
    table = pa.table(columns)
    one, other = digests(table)
    assert one != other
    assert digests(table.drop_columns(["at"]))[0] == digests(table.drop_columns(["at"]))[1]
    assert digests(table.slice(1))[0] == other


def test_a_value_of_another_type_is_another_value() -> None:
    """The same eight bytes as a number, a time, a truth and a text."""
    one = pa.array([1], pa.int64())
    kinds = [
        one,
        one.view(pa.timestamp("us", "UTC")),
        pa.array([True]),
        pa.array([b"\1" + bytes(7)], pa.large_binary()),
    ]
    assert len({digests(pa.table({"a": kind}))[0] for kind in kinds}) == len(kinds)


def test_the_digests_of_old_lakes_hold() -> None:
    """What is kept beside a lake is compared for years: another way to write a row would call every row altered."""
    assert [digest.hex() for digest in digests(pa.Table.from_pylist(ROWS))] == [
        "87c76394b1e4f976a48e9757be95e8d7",
        "9c9f46df65dce15d261c7729275dc062",
        "4e61c8ba8fe68879fa8e739226c3dd8f",
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "a": st.none() | st.text(max_size=4),
                "s": st.none() | st.fixed_dictionaries({"p": st.none() | st.integers(-9, 9)}),
                "l": st.none() | st.lists(st.none() | st.text(max_size=3), max_size=3),
            }
        ),
        min_size=1,
        max_size=6,
    )
)
def test_equal_rows_and_no_others_are_equal(given_rows: list[dict[str, Any]]) -> None:
    """A struct whose parts are all null says as much as one that is null."""
    kinds = pa.schema(
        [("a", pa.large_string()), ("s", pa.struct([("p", pa.int64())])), ("l", pa.list_(pa.large_string()))]
    )
    table = pa.Table.from_pylist(given_rows, kinds)
    keys = [repr((row["a"], (row["s"] or {}).get("p"), row["l"])) for row in given_rows]
    found = digests(table)
    for i, key in enumerate(keys):
        assert [found[i] == other for other in found] == [key == other for other in keys]
