"""`every` and the rules that overrule it."""

from __future__ import annotations

from ocsf_pipe.mapping import diagnose

MAPPING = """\
mapping: some.source
product: {vendor_name: Some, name: Source}
input: {format: json}
every:
  time: at
  status_id: {case: result, of: {ok: Success}}
events:
  - class: detection_finding
    when: kind = 'finding'
    activity_id: 'Create'
    finding_info.uid: id
    status_id: 'New'
  - class: base_event
"""


def test_replaced_line_of_every_is_not_checked_against_the_class() -> None:
    """A caption of `every` that one class lacks is no complaint where that class sets the attribute itself."""
    _, complaints = diagnose(MAPPING, "mappings/some/source/mapping.yaml")
    assert [c.message for c in complaints if c.code == "M304"] == []


def test_kept_line_of_every_is_checked_against_the_class() -> None:
    """Without a line of its own the class complains about the caption that it lacks."""
    kept = MAPPING.replace("    status_id: 'New'\n", "")
    _, complaints = diagnose(kept, "mappings/some/source/mapping.yaml")
    assert ["`status_id` has no caption `Success`"] == [c.message for c in complaints if c.code == "M304"]
