"""Which rule takes a record, and what `also`, `for_each`, `let`, `each` and `first` make of it."""

from __future__ import annotations

from typing import Any

from tests.mapping.events import event, events, mapping, told

TOOL = """\
  - class: base_event
    name: tool
    also: true
    for_each: messages[*].parts[*] as part
    when: part.type = 'call' and kind = 'chat'
    activity_id: 'Other'
    message: part.name
"""
CHAT: dict[str, Any] = {
    "kind": "chat",
    "messages": [
        {"parts": [{"type": "call", "name": "a"}, {"type": "text", "name": "b"}]},
        {},
        {"parts": None},
        {"parts": [{"type": "call", "name": "c"}]},
    ],
}


def _messages(text: str, record: dict[str, Any]) -> list[str | None]:
    return sorted((e.get("message") for e in events(text, record)), key=str)


def test_the_first_rule_whose_condition_holds_takes_the_record() -> None:
    """And no later one; a condition that is null does not hold."""
    rules = "".join(
        f"  - class: base_event\n    name: r{i}\n    when: {when}\n    activity_id: 'Other'\n    message: 'r{i}'\n"
        for i, when in enumerate(["kind = 'x'", "kind in ('x', 'y')", "nothing = 'z'"])
    )
    assert [_messages(mapping(rules), {"kind": kind}) for kind in "xyz"] == [["r0"], ["r1"], [None]]


def test_an_also_rule_adds_its_events() -> None:
    """For every record for which it holds, beside the main rule's event."""
    also = """\
  - class: base_event
    name: more
    also: true
    when: kind = 'x'
    activity_id: 'Other'
    message: 'more'
"""
    assert _messages(mapping(also), {"kind": "x"}) == sorted([None, "more"], key=str)
    assert len(events(mapping(also), {"kind": "y"})) == 1


def test_for_each_gives_one_event_for_each_element() -> None:
    """Of lists in lists too; a condition that reads the element chooses among them."""
    assert _messages(mapping(TOOL), CHAT) == sorted([None, "a", "c"], key=str)
    assert _messages(mapping(TOOL.replace("part.type = 'call' and ", "")), CHAT) == sorted(
        [None, "a", "b", "c"], key=str
    )
    assert _messages(mapping(TOOL), CHAT | {"kind": "other"}) == [None]


def test_a_main_rule_may_fan_out() -> None:
    """It takes the record where some element satisfies its condition."""
    main = TOOL.replace("    also: true\n", "")
    assert _messages(mapping(main), CHAT) == ["a", "c"]
    assert _messages(mapping(main), {"kind": "chat", "messages": []}) == [None]


def test_a_let_is_one_value_wherever_it_is_used() -> None:
    """In conditions and in values; it may use lets above it."""
    text = mapping(every="  message: full\n  status_code: code\n").replace(
        "every:\n", "let:\n  code: upper(raw)\n  full: code || '!'\nevery:\n"
    )
    found = event(text, {"raw": "x"})
    assert (found["message"], found["status_code"]) == ("X!", "X")


def test_a_let_of_a_lookup_is_a_value_in_expressions() -> None:
    """And captions where the attribute is an enum."""
    text = mapping(every="  message: rank || '!'\n  status_id: state\n").replace(
        "every:\n",
        "let:\n  rank: {case: level, of: {1: 'first'}, else: level}\n  state: {case: ok, of: {y: Success}}\nevery:\n",
    )
    assert event(text, {"level": 1, "ok": "y"})["message"] == "first!"
    assert event(text, {"level": 2, "ok": "n"})["message"] == "2!"
    assert event(text, {"level": 2, "ok": "n"})["status_id"] == 99


def test_a_line_may_mend_what_a_let_brings() -> None:
    """The more special line wins."""
    rule = """\
  - class: authentication
    when: kind = 'login'
    activity_id: 'Logon'
    user: someone
    user.name: other
    service.name: 'app'
"""
    text = mapping(rule).replace("every:\n", "let:\n  someone: {uid: id, name: who}\nevery:\n")
    assert event(text, {"kind": "login", "id": "1", "who": "a", "other": "b"})["user"] == {"uid": "1", "name": "b"}


def test_inside_each_bare_paths_are_the_elements() -> None:
    """With `as` they are the record's."""
    every = "  metadata.labels: {each: tags, where: on = 'y', set: name}\n"
    named = "  metadata.labels: {each: tags, as: t, at: i, where: t.on = on and i < 3, set: t.name}\n"
    record = {"on": "n", "tags": [{"on": "y", "name": "a"}, {"on": "n", "name": "b"}, {"on": "n", "name": "c"}]}
    assert event(mapping(every=every), record)["metadata"]["labels"] == ["a"]
    assert event(mapping(every=named), record)["metadata"]["labels"] == ["b"]


def test_dropped_records_are_counted_with_the_reason() -> None:
    """They give no event and no fault."""
    found = told(mapping() + "drop:\n  - {when: kind = 'noise', why: says nothing}\n", {"kind": "noise"}, {})
    assert dict(found.dropped) == {"says nothing": 1}
    assert sum(map(len, found.events.values())) == 1


def test_what_is_left_on_purpose_is_not_in_unmapped() -> None:
    """What is not mentioned is."""
    text = mapping() + "leave:\n  - legacy.id\n  - '\"a.b\"'\n"
    assert event(text, {"legacy": {"id": 1, "x": 2}, "a.b": 3, "c": 4})["unmapped"] == '{"legacy":{"x":2},"c":4}'
