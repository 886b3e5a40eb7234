"""What an event must hold: said at compile time where it can never be, decided for each record where it may be."""

from __future__ import annotations

from ocsf_pipe.mapping import compile_text, diagnose
from ocsf_pipe.plan.nodes import Needs, ObjectNeeds
from tests.mapping.events import event, mapping, told

LOGIN = """\
  - class: authentication
    when: kind = 'login'
    activity_id: 'Logon'
    user.name: who
    service.name: app
"""


def _needs(text: str, path: tuple[str, ...]) -> ObjectNeeds:
    (found,) = [needs for needs in compile_text(text).routes[0].objects if needs.path == path]
    return found


def test_an_event_without_a_required_attribute_is_rejected() -> None:
    """The fault names the attribute."""
    found = told(mapping().replace("time: at", "time: happened"), {})
    assert found.events == {} or not any(found.events.values())
    assert [fault.attribute for fault in found.faults] == ["time"]


def test_an_event_that_breaks_the_constraint_of_its_class_is_rejected() -> None:
    """`authentication` asks for one of service and dst_endpoint."""
    text = mapping(LOGIN)
    assert event(text, {"kind": "login", "who": "ann", "app": "a"})["service"] == {"name": "a"}
    found = told(text, {"kind": "login", "who": "ann"})
    assert len(found.faults) == 1
    assert "service" in found.faults[0].reason


def test_an_optional_object_that_lacks_what_it_requires_is_left_out() -> None:
    """The event is kept, and the source value stays in `unmapped`."""
    rule = LOGIN + "    certificate: {serial_number: serial, issuer: issuer}\n"
    record = {"kind": "login", "who": "ann", "app": "a", "issuer": "r"}
    known = event(mapping(rule), record | {"serial": "1"})
    assert known["certificate"] == {"serial_number": "1", "issuer": "r"}
    without = event(mapping(rule), record)
    assert "certificate" not in without
    assert "r" in without["unmapped"]


def test_an_optional_object_of_unknowns_alone_is_left_out() -> None:
    """`type_id: 'Unknown'` says nothing where nothing else is known."""
    rule = LOGIN + "    device: {type_id: 'Unknown', hostname: host}\n"
    known = event(mapping(rule), {"kind": "login", "who": "ann", "app": "a", "host": "h"})
    assert known["device"] == {"type_id": 0, "type": "Unknown", "hostname": "h"}
    assert "device" not in event(mapping(rule), {"kind": "login", "who": "ann", "app": "a"})


def test_an_element_that_lacks_what_its_type_requires_is_left_out() -> None:
    """Of a list only that element."""
    rule = LOGIN + "    http_request.http_headers: {each: headers, set: {name: n, value: v}}\n"
    record = {"kind": "login", "who": "ann", "app": "a", "headers": [{"n": "x", "v": "1"}, {"n": "y"}]}
    assert event(mapping(rule), record)["http_request"]["http_headers"] == [{"name": "x", "value": "1"}]


def test_the_needs_are_those_of_the_schema() -> None:
    """What is derived is not asked for."""
    whole = _needs(mapping(LOGIN), ())
    assert whole.required
    assert set(whole.needs.required) == {"activity_id", "severity_id", "time", "user"}
    assert whole.needs.any_of == ("service", "dst_endpoint")
    user = _needs(mapping(LOGIN), ("user",))
    assert (user.needs, user.required) == (Needs((), ("account", "name", "uid")), True)


def test_what_a_profile_requires_is_asked_only_with_the_profile() -> None:
    """`action_id` of the security control profile is required only in events that claim it."""
    plain, control = mapping(LOGIN), mapping(LOGIN + "    disposition_id: 'Allowed'\n")
    assert diagnose(plain, "mapping.yaml", None)[1] == []
    asked = [c.message for c in diagnose(control, "mapping.yaml", None)[1]]
    assert asked in ([], ["`action_id` is required and not mapped"])


def test_a_mistake_in_an_attribute_does_not_make_it_missing_too() -> None:
    """One mistake, one complaint."""
    wrong = mapping(LOGIN.replace("user.name: who", "user: who"))
    assert [c.code for c in diagnose(wrong, "mapping.yaml", None)[1]] == ["M303"]
