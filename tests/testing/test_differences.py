"""Two runs of events are compared event by event, attribute by attribute."""

from __future__ import annotations

from typing import Any

from ocsf_pipe.testing.differences import differences


def event(raw: str, **attributes: Any) -> dict[str, Any]:
    """An event of a raw record."""
    return {"class_uid": 1, "type_name": "Thing: Done", "raw_data": raw, **attributes}


def test_equal_runs_have_none() -> None:
    """Nothing is said of what is the same."""
    assert list(differences([event("a"), event("b")], [event("a"), event("b")])) == []


def test_changed_attributes_are_listed_by_path() -> None:
    """Values inside objects and lists are named where they stand; what is on one side only is nothing on the other."""
    one = event("a", user={"name": "ana", "uid": "1"}, tags=["x", "y"])
    other = event("a", user={"name": "bo"}, tags=["x", "z"], extra=1)
    (found,) = differences([one], [other])
    assert found.splitlines() == [
        "event 1 (Thing: Done):",
        "  extra: expected nothing, got 1",
        '  tags[1]: expected "y", got "z"',
        '  user.name: expected "ana", got "bo"',
        '  user.uid: expected "1", got nothing',
    ]


def test_lists_of_other_length_are_shown_whole() -> None:
    """Elements are compared only where there are as many."""
    (found,) = differences([event("a", tags=[1])], [event("a", tags=[1, 2])])
    assert "tags: expected [1], got [1,2]" in found


def test_types_are_told_apart() -> None:
    """1, 1.0, true and "1" are four values."""
    for other in (1.0, True, "1"):
        assert len(list(differences([event("a", n=1)], [event("a", n=other)]))) == 1


def test_event_in_the_middle_does_not_shift_the_others() -> None:
    """One that is missing and one that is new are named alone."""
    expected = [event("a"), event("b"), event("c")]
    assert list(differences(expected, [event("a"), event("c")])) == ["event 2 (Thing: Done): expected, and not there"]
    assert list(differences([event("a"), event("c")], expected)) == [
        "after event 1: not expected, and there: Thing: Done"
    ]


def test_rejected_record_is_compared_by_its_reason() -> None:
    """A quarantine line stands for its record; another reason is a difference of that line."""
    one = {"_quarantine": {"raw": "x", "reason": "no time"}}
    other = {"_quarantine": {"raw": "x", "reason": "no user"}}
    (found,) = differences([one], [other])
    assert found.startswith("event 1 (quarantine: no time):")
    assert '_quarantine.reason: expected "no time", got "no user"' in found


def test_long_values_are_cut() -> None:
    """A difference stays readable."""
    (found,) = differences([event("a", text="x" * 5000)], [event("a", text="y" * 5000)])
    assert len(found) < 500
    assert "(5002 characters)" in found
