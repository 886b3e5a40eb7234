"""Enum attributes: captions in, ids and siblings out."""

from __future__ import annotations

import pytest

from tests.mapping.events import event, mapping

STATUS = "  status_id: {case: result, of: {ok: Success, no: Failure}}\n"


@pytest.mark.parametrize(
    ("result", "number", "caption"),
    [("ok", 1, "Success"), ("no", 2, "Failure"), ("perhaps", 99, "perhaps"), (None, None, None), ("OK", 99, "OK")],
)
def test_a_value_that_is_not_listed_keeps_its_word(result: str | None, number: int | None, caption: str | None) -> None:
    """Listed: the caption; not listed: 99 and the source's own word; null: nothing."""
    found = event(mapping(every=STATUS), {"result": result})
    assert (found.get("status_id"), found.get("status")) == (number, caption)


def test_else_other_keeps_the_word_too() -> None:
    """It says the same as no `else`."""
    every = STATUS.replace("}}", "}, else: Other}")
    found = event(mapping(every=every), {"result": "perhaps"})
    assert (found["status_id"], found["status"]) == (99, "perhaps")


def test_else_with_another_caption_says_so() -> None:
    """For null too: a lookup's `else` takes everything that is left."""
    every = STATUS.replace("}}", "}, else: Unknown}")
    for result in ("perhaps", None):
        found = event(mapping(every=every), {"result": result})
        assert (found["status_id"], found["status"]) == (0, "Unknown")


def test_a_required_enum_that_the_source_leaves_open_is_unknown() -> None:
    """OCSF's own 0; the event is kept."""
    text = mapping().replace("severity_id: 'Unknown'", "severity_id: {case: level, of: {low: Low}}")
    found = event(text, {})
    assert (found["severity_id"], found["severity"]) == (0, "Unknown")


@pytest.mark.parametrize(("number", "status", "caption"), [(1, 1, "Success"), (7, 99, "7"), (None, None, None)])
def test_numbers_of_the_source_are_ids(number: int | None, status: int | None, caption: str | None) -> None:
    """Where the source has OCSF's numbers; one that the enum lacks is 99 and keeps its text."""
    found = event(mapping(every="  status_id: to_integer(result)\n"), {"result": number})
    assert (found.get("status_id"), found.get("status")) == (status, caption)


@pytest.mark.parametrize(("worked", "number"), [(True, 1), (False, 2), (None, None)])
def test_a_condition_is_looked_up_by_true_and_false(worked: object, number: int | None) -> None:
    """Neither is null."""
    every = "  status_id: {case: worked, of: {true: Success, false: Failure}}\n"
    assert event(mapping(every=every, fields="worked: boolean"), {"worked": worked}).get("status_id") == number


def test_a_caption_may_be_written_bare_or_by_case_expression() -> None:
    """Both are checked when the mapping is compiled."""
    every = "  status_id: case when result = 'ok' then 'Success' when result = 'x' then 'Other' end\n"
    assert event(mapping(every=every), {"result": "ok"})["status"] == "Success"
    assert event(mapping(every="  status_id: Success\n"), {})["status_id"] == 1


def test_a_caption_is_found_in_any_case_of_letters() -> None:
    """Captions of several words need no quotes inside `of`."""
    rule = """\
  - class: authentication
    when: kind = 'login'
    activity_id: {case: kind, of: {login: authentication ticket}}
    user.name: who
    service.name: 'app'
"""
    assert event(mapping(rule), {"kind": "login", "who": "ann"})["activity_name"] == "Authentication Ticket"
