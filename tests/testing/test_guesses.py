"""Names of source fields are understood in OCSF's words."""

from __future__ import annotations

import pytest

from ocsf_pipe.schema import load
from ocsf_pipe.testing.guesses import guess, words
from ocsf_pipe.testing.source_fields import Field, Kind, fields_of


@pytest.mark.parametrize(
    ("path", "meaning"),
    [
        (("sourceIPAddress",), {"src", "ip"}),
        (("client", "ipAddress"), {"src", "ip"}),
        (("src_ip",), {"src", "ip"}),
        (("userName",), {"user", "name"}),
        (("@timestamp",), {"time"}),
        (("EventTime",), {"time"}),
        (("rawUserAgent",), {"user", "agent"}),
        (("HTTPMethod",), {"http", "method"}),
    ],
)
def test_names_are_split_and_translated(path: tuple[str, ...], meaning: set[str]) -> None:
    """Camel case, snake case and abbreviations come to the same words; words without meaning are left out."""
    assert words(path) == meaning


def field(name: str, kind: Kind = "text", *values: str) -> Field:
    """A field that is in ten records."""
    return Field(tuple(name.split(".")), kind, 10, values)


def test_guess_keeps_to_types_and_uses_each_once() -> None:
    """An address goes where an address may stand; of two fields for one attribute the likelier has it."""
    schema = load()
    fields = [field("client.ip", "ip"), field("note.client.ip", "ip"), field("ip_text"), field("ts", "time")]
    found = {
        one.attribute: ".".join(one.field.path) for one in guess(fields, schema.event_class("authentication"), schema)
    }
    assert found["src_endpoint.ip"] == "client.ip"
    assert found["time"] == "ts"
    assert "ip_text" not in found.values()
    assert len(set(found.values())) == len(found)


def test_nothing_is_guessed_of_what_is_unlike() -> None:
    """A field that means nothing in OCSF stays unpaired, and derived captions are never offered."""
    schema = load()
    fields = [field("zebra"), field("quux.frob", "integer"), field("severity"), field("class_name")]
    assert guess(fields, schema.event_class("base_event"), schema) == []


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("x", ["192.0.2.1", "2001:db8::1"], "ip"),
        ("x", ["192.0.2.1"] * 1 + ["10.0.0.1", "10.0.0.2", "10.0.0.3", "unknown"], "ip"),
        ("x", [1, 2], "integer"),
        ("x", ["1", "2.5"], "float"),
        ("x", [True, False], "boolean"),
        ("x", ["2026-02-10T09:00:00Z"], "time"),
        ("created", [1770714487], "epoch_s"),
        ("created", [1770714487006], "epoch_ms"),
        ("startTimeUnixNano", ["1770714487006000000"], "epoch_ns"),
        ("bytes", [1770714487], "integer"),
        ("x", ["a", 1], "text"),
    ],
)
def test_kind_is_told_from_all_values(name: str, values: list[object], kind: Kind) -> None:
    """A number is a time only under a name of time; one word among addresses does not hide them."""
    (found,) = fields_of([{name: value} for value in values])
    assert found.kind == kind
    assert found.records == len(values)
