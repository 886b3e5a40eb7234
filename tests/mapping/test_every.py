"""`every` and the rules that overrule it."""

from __future__ import annotations

from ocsf_pipe.mapping import diagnose
from tests.mapping.events import event, mapping

FINDING = """\
  - class: detection_finding
    when: kind = 'finding'
    activity_id: 'Create'
    finding_info.uid: id
    status_id: 'New'
"""
STATUS = "  status_id: {case: result, of: {ok: Success}}\n"
LOGIN = """\
  - class: authentication
    when: kind = 'login'
    activity_id: 'Logon'
    user.name: who
    service.name: 'app'
"""
EVERY = "  message: text\n  src_endpoint: {ip: ip, port: port}\n  metadata.labels: [one, two]\n"
RECORD = {
    "kind": "login",
    "who": "ann",
    "text": "t",
    "ip": "192.0.2.1",
    "port": 80,
    "host": "h",
    "one": "1",
    "two": "2",
}


def test_replaced_line_of_every_is_not_checked_against_the_class() -> None:
    """A caption of `every` that one class lacks is no complaint where that class sets the attribute itself."""
    _, complaints = diagnose(mapping(FINDING, STATUS), "mapping.yaml", None)
    assert complaints == []


def test_kept_line_of_every_is_checked_against_the_class() -> None:
    """Without a line of its own the class complains about the caption that it lacks."""
    kept = mapping(FINDING.replace("    status_id: 'New'\n", ""), STATUS)
    _, complaints = diagnose(kept, "mapping.yaml", None)
    assert [c.message for c in complaints] == ["`status_id` has no caption `Success`"]


def test_an_attribute_that_a_class_lacks_is_not_set_there() -> None:
    """`base_event` has no `src_endpoint`."""
    assert "src_endpoint" not in event(mapping(LOGIN, EVERY), RECORD | {"kind": "other"})
    assert event(mapping(LOGIN, EVERY), RECORD)["src_endpoint"] == {"ip": "192.0.2.1", "port": 80}


def test_a_rule_replaces_leaf_by_leaf() -> None:
    """Its line replaces that leaf of the object and no other."""
    found = event(mapping(LOGIN + "    src_endpoint.ip: '192.0.2.9'\n    src_endpoint.hostname: host\n", EVERY), RECORD)
    assert found["src_endpoint"] == {"ip": "192.0.2.9", "hostname": "h", "port": 80}


def test_null_takes_a_leaf_away() -> None:
    """The rest of the object stays."""
    found = event(mapping(LOGIN + "    src_endpoint.port: null\n", EVERY), RECORD)
    assert found["src_endpoint"] == {"ip": "192.0.2.1"}


def test_null_takes_an_object_away() -> None:
    """With everything in it; and a scalar."""
    found = event(mapping(LOGIN + "    src_endpoint: null\n    message: null\n", EVERY), RECORD)
    assert {"src_endpoint", "message"} & found.keys() == set()


def test_a_list_is_replaced_whole() -> None:
    """Elements are not merged."""
    found = event(mapping(LOGIN + "    metadata.labels: [two]\n", EVERY), RECORD)
    assert found["metadata"]["labels"] == ["2"]


def test_what_was_taken_away_is_not_consumed() -> None:
    """The record's value stays in `unmapped`."""
    text = mapping(LOGIN + "    message: null\n", EVERY)
    assert '"text":"t"' in event(text, RECORD)["unmapped"]
    assert '"text":"t"' not in event(mapping(LOGIN, EVERY), RECORD).get("unmapped", "")
