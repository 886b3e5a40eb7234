"""Which paths of the record a value reads."""

from __future__ import annotations

import pytest

from ocsf_pipe.mapping import compile_text
from ocsf_pipe.testing.reading import at, named_in, paths_read, written

MAPPING = """\
mapping: some.source
product: {vendor_name: Some, name: Source}
input:
  format: json
  fields:
    target: "list({id: text, type: text})"
let:
  first_user: {first: target, where: type = 'User'}
  either: coalesce(a.x, b.x)
every:
  time: at
  activity_id: 'Other'
  severity_id: 'Informational'
events:
  - class: base_event
    message: SIDE
    status_detail: either
    metadata.event_code: first_user.id
"""


def read(side: str, *, conditions: bool = True) -> set[str]:
    """The paths that a right side reads."""
    plan = compile_text(MAPPING.replace("SIDE", side), "mappings/some/source/mapping.yaml")
    (route,) = plan.routes
    (assign,) = (one for one in route.assigns if one.path == ("message",))
    return {written(path) for path in paths_read(assign.value, named_in(plan, route), conditions=conditions)}


@pytest.mark.parametrize(
    ("side", "paths"),
    [
        ("text", {"text"}),
        ("either", {"a.x", "b.x"}),
        ("'constant'", set()),
        ("lower(a.b) || c", {"a.b", "c"}),
        ("case when kind = 'x' then one else two end", {"kind", "one", "two"}),
    ],
)
def test_paths_are_found_through_names_and_conditions(side: str, paths: set[str]) -> None:
    """Lets are followed; what is only tested counts as read."""
    assert read(side) == paths


def test_elements_of_lists_are_named_by_their_field() -> None:
    """What is read of each element, and what of it is tested."""
    assert "target[*].type" in read("first_user.id")


def test_conditions_can_be_left_out() -> None:
    """Then only what can become part of the value counts."""
    assert read("case when kind = 'x' then one end", conditions=False) == {"one"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("a", "b"), 1),
        (("list", "*", "id"), [1, 2]),
        (("list", "1", "id"), 2),
        (("list", "7", "id"), None),
        (("a", "b", "c"), None),
        (("none",), None),
        (("list", "*", "none"), None),
    ],
)
def test_value_at_a_path(path: tuple[str, ...], value: object) -> None:
    """Of a list every element that has it; nothing where the path leads nowhere."""
    assert at({"a": {"b": 1}, "list": [{"id": 1}, {"id": 2}, {}]}, path) == value
