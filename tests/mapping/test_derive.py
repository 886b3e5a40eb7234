"""What nobody writes: ids, captions, metadata, profiles, observables."""

from __future__ import annotations

from tests.mapping.events import event, events, mapping

LOGIN = """\
  - class: authentication
    when: kind = 'login'
    activity_id: 'Logon'
    user: {name: who, email_addr: mail}
    service.name: 'app'
"""


def test_the_ids_and_names_of_the_class_are_set() -> None:
    """`type_uid` is `class_uid` × 100 + `activity_id`."""
    found = event(mapping(LOGIN), {"kind": "login", "who": "ann"})
    assert (found["class_uid"], found["class_name"]) == (3002, "Authentication")
    assert (found["category_uid"], found["category_name"]) == (3, "Identity & Access Management")
    assert (found["activity_id"], found["activity_name"]) == (1, "Logon")
    assert (found["type_uid"], found["type_name"]) == (300201, "Authentication: Logon")


def test_metadata_says_which_product_and_which_version() -> None:
    """As the mapping says; the clock is a parameter of the run."""
    found = event(mapping(), {})["metadata"]
    assert found["product"] == {"vendor_name": "Acme", "name": "Widget", "version": "2"}
    assert (found["version"], found["processed_time"]) == ("1.8.0", 1)


def test_an_event_has_an_id_of_its_own() -> None:
    """Where the mapping gives none: the same record in the same place has the same, another record another."""
    first, second = events(mapping(), {"a": 1}, {"a": 2})
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    assert first["metadata"]["uid"] == events(mapping(), {"a": 1}, {"a": 2})[0]["metadata"]["uid"]


def test_a_mapped_id_stays_unique_where_events_fan_out() -> None:
    """Events of `also` and `for_each` rules get a suffix."""
    also = """\
  - class: base_event
    name: part
    also: true
    for_each: parts as part
    activity_id: 'Other'
    message: part.text
"""
    found = events(mapping(also, "  metadata.uid: id\n"), {"id": "7", "parts": [{"text": "a"}, {"text": "b"}]})
    assert sorted(e["metadata"]["uid"] for e in found) == ["7", "7#part.1", "7#part.2"]


def test_the_record_itself_is_kept() -> None:
    """As text, with its length in bytes, and what was not consumed as JSON."""
    found = event(mapping(every="  message: text\n"), {"text": "é", "rest": {"a": 1}})
    assert found["raw_data"].encode() == found["raw_data"].encode("utf-8")
    assert found["raw_data_size"] == len(found["raw_data"].encode())
    assert found["unmapped"] == '{"rest":{"a":1}}'


def test_time_dt_stands_beside_time() -> None:
    """The same instant; its profile is claimed."""
    found = event(mapping(), {})
    assert found["time"] == 1769860800000
    assert found["time_dt"] == 1769860800000 or str(found["time_dt"]).startswith("2026-01-31")
    assert found["metadata"]["profiles"] == ["datetime"]


def test_profiles_are_those_of_the_attributes_in_use() -> None:
    """And no others, though the class lists them."""
    every = "  cloud: {provider: 'AWS', region: region}\n"
    assert event(mapping(every=every), {})["metadata"]["profiles"] == ["cloud", "datetime"]


def test_observables_name_what_can_be_searched_for() -> None:
    """With the type that the schema gives them; inside lists the name is `list[].attribute`."""
    rule = (
        LOGIN
        + """\
    src_endpoint: {ip: ip, hostname: host}
    http_request.x_forwarded_for: chain[*].ip
"""
    )
    record = {
        "kind": "login",
        "who": "ann",
        "mail": "ann@example.com",
        "ip": "192.0.2.7",
        "chain": [{"ip": "192.0.2.8"}],
    }
    found = {(o["name"], o["type_id"], o["type"], o["value"]) for o in event(mapping(rule), record)["observables"]}
    assert {
        ("src_endpoint.ip", 2, "IP Address", "192.0.2.7"),
        ("user.name", 4, "User Name", "ann"),
        ("user.email_addr", 5, "Email Address", "ann@example.com"),
        ("http_request.x_forwarded_for[]", 2, "IP Address", "192.0.2.8"),
    } <= found
    assert all("hostname" not in name for name, *_ in found)


def test_a_let_of_the_same_list_is_one_value() -> None:
    """Two attributes from the first match of one list read the same element."""
    rule = """\
  - class: authentication
    when: kind = 'login'
    activity_id: 'Logon'
    user: {first: targets, where: type = 'User', set: {uid: id, name: label}}
    service.name: 'app'
"""
    record = {"kind": "login", "targets": [{"type": "App", "id": "1"}, {"type": "User", "id": "2", "label": "ann"}]}
    assert event(mapping(rule), record)["user"] == {"uid": "2", "name": "ann"}


CALL = """\
  - class: api_activity
    when: kind = 'call'
    activity_id: 'Other'
    api: {operation: op}
    actor: {app_name: 'app'}
    src_endpoint: {svc_name: 'app'}
    ai_agent: {uid: agent}
    ai_model: {name: model, ai_provider: 'OpenAI'}
"""


def test_an_extension_is_named_where_its_attributes_are_used() -> None:
    """OCSF's own profile is claimed before that of an extension that has the attribute as well."""
    found = event(mapping(CALL), {"kind": "call", "op": "chat", "agent": "a", "model": "m"})["metadata"]
    assert {"ai_audit/ai_agent", "ai_operation"} <= set(found["profiles"])
    assert [(one["name"], one["uid"]) for one in found["extensions"]] == [("ai_audit", "871")]
    assert "extensions" not in event(mapping(LOGIN), {"kind": "login", "who": "ann"})["metadata"]


def test_what_is_inside_of_a_list_claims_its_profile() -> None:
    """An element's attributes are as good as any."""
    finding = """\
  - class: detection_finding
    when: kind = 'hit'
    activity_id: 'Create'
    severity_id: 'Low'
    finding_info: {uid: id, title: 'hit', analytic: {name: 'x', type_id: 'Rule'}}
    evidences:
      - {api: {operation: op}, ai_agent: {uid: agent}}
"""
    found = event(mapping(finding), {"kind": "hit", "id": "1", "op": "chat", "agent": "a"})
    assert found["evidences"][0]["ai_agent"] == {"uid": "a"}
    assert "ai_audit/ai_agent" in found["metadata"]["profiles"]
