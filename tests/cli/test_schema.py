"""`ocsf-pipe schema show`: what OCSF says of a class or an object."""

from __future__ import annotations

import json

import pytest

from tests.cli.program import Program


def test_without_a_name_all_classes_are_listed(program: Program) -> None:
    """Each class has its name, uid, category and caption, in the order of the uids."""
    ended = program("schema", "show", "--json")
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert {"name": "authentication", "uid": 3002, "category": "iam", "caption": "Authentication"} in found
    assert [one["uid"] for one in found] == sorted(one["uid"] for one in found)


def test_class_shows_requirements_types_and_captions(program: Program) -> None:
    """Required attributes come first; an enum shows its captions; constraints are said."""
    lines = program("schema", "show", "authentication").out.splitlines()
    assert lines[0] == "authentication (3002): Authentication"
    assert lines[1] == "at least one of: service, dst_endpoint"
    activity = next(line.split() for line in lines if line.startswith("activity_id"))
    assert activity[:6] == ["activity_id", "integer_t", "required", "0", "Unknown,", "1"]
    requirements = [line.split()[2] for line in lines[3:] if "[]" not in line]
    assert requirements.index("required") < requirements.index("optional")


@pytest.mark.parametrize("name", ["user", "authentication.user", "authentication.actor.user"])
def test_object_is_found_by_name_and_by_path(program: Program, name: str) -> None:
    """The object is the same whether it is named or reached."""
    assert program("schema", "show", name).out.startswith("user: User\n")


def test_path_to_a_single_value_has_no_attributes(program: Program) -> None:
    """The type is said, and the values that an enum takes."""
    ended = program("schema", "show", "authentication.status_id")
    assert ended.code == 1
    assert "`authentication.status_id` is a integer_t and has no attributes" in ended.err
    assert "1 Success" in ended.err


def test_older_release_can_be_asked(program: Program) -> None:
    """`--version` chooses the release."""
    assert "1.0.0" in program("schema", "show", "no_such", "--version", "1.0.0").err
