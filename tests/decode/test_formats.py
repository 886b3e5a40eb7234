"""Columns, Zeek, OTLP and Windows events: one small stream of each layout."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import orjson
import pytest

from ocsf_pipe.decode import FORMATS

FLOW = (
    "version account_id interface_id srcaddr dstaddr srcport dstport protocol packets bytes start end action log_status"
)
VPC = {"columns": FLOW.split(), "null": "-"}
LINE = b"2 1234 eni-1 10.0.0.1 10.0.0.2 80 443 6 1 40 1 2 ACCEPT OK"


def rows(name: str, data: bytes, settings: Any = None) -> list[dict[str, Any]]:
    """Every record of a stream, as an object."""
    out: list[dict[str, Any]] = []
    for run in FORMATS[name].read(BytesIO(data), settings or {}):
        if not len(run):
            continue
        if run.columns is not None:
            out += run.columns.to_pylist()
        elif run.json is not None:
            out += map(orjson.loads, run.json.to_pylist())
    return out


def test_columns_come_from_the_settings_or_from_a_header() -> None:
    """A header line is no record, and its names are normalised; other orders of it rule the columns."""
    assert rows("delimited", LINE, VPC)[0]["dstport"] == "443"
    assert rows("delimited", b"srcaddr log-status dstaddr\n1.1.1.1 - 2.2.2.2\n", VPC) == [
        {"srcaddr": "1.1.1.1", "log_status": None, "dstaddr": "2.2.2.2"}
    ]


def test_a_wrapped_line_is_read_like_the_line() -> None:
    """`{"message": …}` around every line gives the same columns."""
    assert rows("delimited", orjson.dumps({"message": LINE.decode()}), VPC) == rows("delimited", LINE, VPC)


def test_a_line_with_other_fields_is_a_reject() -> None:
    """Its reason says how many there are and how many are named."""
    [run] = FORMATS["delimited"].read(BytesIO(LINE + b"\n2 3\n"), VPC)
    assert [r.reason for r in run.rejects] == ["2 fields where 14 are named"]
    assert len(run) == 1


def test_zeek_headers_rule_what_follows_them() -> None:
    """Two headers in one file; unset, empty, sets and escapes."""
    log = b"#separator \\x09\n#set_separator\t,\n#fields\ta\tb\n#types\tstring\tset[string]\nx\\x09y\tp,q\n-\t(empty)\n"
    assert rows("zeek", log + b"#fields\tc\n#types\tcount\n7\n#close\n") == [
        {"a": "x\ty", "b": '["p","q"]'},
        {"a": None, "b": "[]"},
        {"c": "7"},
    ]


def test_otlp_gives_one_flat_record_a_span_and_a_log_record() -> None:
    """Attributes become an object, 64-bit integers numbers; snake_case keys are read too."""
    attributes = [{"key": "n", "value": {"intValue": "9007199254740993"}}, {"key": "s", "value": {"stringValue": "1"}}]
    span = {"traceId": "t", "spanId": "s", "name": "chat", "startTimeUnixNano": "5", "attributes": attributes}
    traces = {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "x"}, "spans": [span, span]}]}]}
    logs = {"resource_logs": [{"scope_logs": [{"log_records": [{"body": {"string_value": "hi"}}]}]}]}
    first, _, log = rows("otlp", orjson.dumps(traces) + b"\n" + orjson.dumps(logs))
    assert first["attributes"] == {"n": 9007199254740993, "s": "1"}
    assert (first["kind"], first["start"], first["scope"]["name"]) == ("span", "5", "x")
    assert (log["kind"], log["body"]) == ("log", "hi")


XML = b"""<Events><Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>
<Provider Name="P" Guid="{g}"/><EventID>4688</EventID><TimeCreated SystemTime="2024-01-01T00:00:00Z"/>
<Execution ProcessID="4" ThreadID="8"/><Channel>Security</Channel><Computer>c</Computer></System>
<EventData><Data Name="U">a&b</Data><Data Name="N">-</Data></EventData></Event></Events>"""
SYSTEM = {"Provider": {"Name": "P", "Guid": "{g}"}, "EventID": 4688, "Channel": "Security", "Computer": "c"}
DIALECTS = {
    "xml": XML,
    "utf-16": XML.decode().encode("utf-16"),
    "evtx_dump": orjson.dumps({
        "Event": {
            "System": {
                "Provider": {"#attributes": {"Name": "P", "Guid": "{g}"}},
                "EventID": {"#text": 4688},
                "TimeCreated": {"#attributes": {"SystemTime": "2024-01-01T00:00:00Z"}},
                "Execution": {"#attributes": {"ProcessID": 4, "ThreadID": 8}},
                "Channel": "Security",
                "Computer": "c",
            },
            "EventData": {"Data": [{"@Name": "U", "#text": "a&b"}, {"Name": "N", "Value": "-"}]},
        }
    }),
    "winlogbeat": orjson.dumps({
        "events": [{
            "winlog": {
                "provider_name": "P", "provider_guid": "{g}", "event_id": "4688", "channel": "Security",
                "computer_name": "c", "time_created": "2024-01-01T00:00:00Z",
                "process": {"pid": 4, "thread": {"id": 8}}, "event_data": {"U": "a&b", "N": "-"},
            }
        }]
    }),
    "winlogbeat 6": orjson.dumps({
        "log_name": "Security", "source_name": "P", "provider_guid": "{g}", "event_id": 4688, "computer_name": "c",
        "process_id": 4, "thread_id": 8, "event_data": {"U": "a&b", "N": "-"}, "@timestamp": "2024-01-01T00:00:00Z",
    }),
    "flat": orjson.dumps({
        "EventID": 4688, "Channel": "Security", "Hostname": "c", "SourceName": "P", "ProviderGuid": "{g}", "U": "a&b",
        "N": "-", "ExecutionProcessID": 4, "ThreadID": 8, "@timestamp": "2024-01-01T00:00:00Z",
    }),
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_windows_events_of_every_dialect_have_one_shape(dialect: str) -> None:
    """The same event gives the same System and EventData, however it was written."""
    assert FORMATS["windows_event"].sniff(DIALECTS[dialect], "", {}) or dialect == "winlogbeat 6"
    [event] = rows("windows_event", DIALECTS[dialect])
    expected = SYSTEM | {"TimeCreated": "2024-01-01T00:00:00Z", "Execution": {"ProcessID": 4, "ThreadID": 8}}
    assert event["System"] == expected
    assert event["EventData"] == {"U": "a&b", "N": "-"}


def test_what_a_windows_dialect_does_not_know_is_kept() -> None:
    """Everything else of the source stands under Other, unchanged."""
    [event] = rows("windows_event", b'{"EventID":1,"Channel":"x","tags":["a"],"EventTime":"2024-01-01 00:00:00"}')
    assert event["Other"] == {"tags": ["a"], "EventTime": "2024-01-01 00:00:00"}
