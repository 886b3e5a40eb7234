"""Rows of a table become events as OCSF words them."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from ocsf_pipe.errors import SchemaError
from ocsf_pipe.schema import load
from ocsf_pipe.testing.events import ocsf_event, ocsf_events

AT = dt.datetime(2026, 2, 10, 9, 8, 7, 6000, tzinfo=dt.UTC)


def test_nulls_and_our_columns_are_left_out() -> None:
    """Null attributes, objects of nulls, `source` and `event_day` are no part of an event."""
    table = pa.table(
        {
            "class_uid": [3002],
            "source": ["acme.portal"],
            "event_day": [dt.date(2026, 2, 10)],
            "message": pa.array([None], pa.string()),
            "user": [{"name": "ana", "uid": None}],
            "actor": [{"user": {"name": None}}],
        }
    )
    assert ocsf_events(table) == [{"class_uid": 3002, "user": {"name": "ana"}}]


def test_json_text_is_parsed_only_where_the_schema_has_json() -> None:
    """`unmapped` and attributes of type json_t become values; text that merely looks like JSON stays text."""
    row = {
        "class_uid": 6003,
        "unmapped": '{"a":[1,null]}',
        "message": '{"not":"parsed"}',
        "api": {"request": {"data": '{"x":1}', "uid": "1"}},
    }
    event = ocsf_event(row, load())
    assert event["unmapped"] == {"a": [1, None]}
    assert event["message"] == '{"not":"parsed"}'
    assert event["api"]["request"] == {"data": {"x": 1}, "uid": "1"}


@pytest.mark.parametrize("value", [AT, 1770714487006, AT.astimezone(dt.timezone(dt.timedelta(hours=2)))])
def test_times_are_rfc_3339(value: object) -> None:
    """A datetime of any zone, and milliseconds as the interpreter has them, are UTC text with milliseconds."""
    event = ocsf_event({"class_uid": 0, "time_dt": value, "time": 1770714487006}, load())
    assert event == {"class_uid": 0, "time_dt": "2026-02-10T09:08:07.006Z", "time": 1770714487006}


def test_lists_of_objects_are_followed() -> None:
    """What holds for an object holds for each of a list."""
    row = {"class_uid": 2004, "evidences": [{"data": "[1]", "name": None}, {"data": '"text"', "name": "n"}]}
    assert ocsf_event(row, load())["evidences"] == [{"data": [1]}, {"data": "text", "name": "n"}]


def test_unknown_class_is_an_error() -> None:
    """A row whose class no release has is not guessed at."""
    with pytest.raises(SchemaError):
        ocsf_event({"class_uid": 424242}, load())
