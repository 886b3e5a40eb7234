"""The shipped extension is one that an OCSF server could load, and events that use it validate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.bundled import schemas_dir
from ocsf_pipe.errors import SchemaError
from ocsf_pipe.schema import load
from ocsf_pipe.schema.export import locate, read
from ocsf_pipe.schema.extension import Extension, complete, extended, read_extension
from ocsf_pipe.schema.validate import validator

FOLDER = schemas_dir() / "extensions" / "ai_audit"
OURS = {
    "ai_agent": {
        "uid": "agent-7",
        "instance_uid": "session-1",
        "type_id": 2,
        "ai_model": {"name": "gpt-4o", "ai_provider": "OpenAI"},
        "charter": {"name": "system prompt", "type_id": 1, "hashes": [{"algorithm_id": 3, "value": "ab" * 32}]},
    },
    "ai_model": {"name": "gpt-4o", "ai_provider": "OpenAI"},
    "message_context": {
        "service": {"name": "OpenAI"},
        "prompt_text": "hello",
        "response_text": "hello yourself",
        "cache_read_tokens": 3,
        "reasoning_tokens": 1,
    },
    "delegation": {"uid": "d-2", "parent_uid": "d-1", "scopes": ["mail.read"], "expiration_time": 1},
    "ai_tool": {
        "name": "send_mail",
        "type_id": 1,
        "source_id": 1,
        "transport_id": 1,
        "service": {"name": "mail-server"},
        "is_readonly": False,
        "is_destructive": True,
        "is_open_world": True,
        "desc_fingerprint": {"algorithm_id": 3, "value": "ab" * 32},
        "input_fingerprint": {"algorithm_id": 99, "algorithm": "HMAC-SHA-256", "value": "cd" * 32},
        "transaction_uid": "call-1",
    },
    "guardrails": [{"name": "injection", "guard_stage_id": 4, "guard_verdict_id": 4, "action_id": 3}],
    "stop_reason_id": 3,
    "stop_reason": "Tool Use",
    "cost": {"amount": 0.25, "currency": "USD", "is_estimated": True},
    "retrieved_documents": [{"uid": "doc-1", "uri": "https://kb/doc-1", "similarity": 0.8, "is_untrusted": True}],
    "content_tier_id": 1,
    "content_tier": "Sealed",
    "content_list": [{"content_part_id": 1, "length": 5, "shingles": ["a1"], "sensitive_classes": ["aws key"]}],
    "attestation_list": [
        {
            "fingerprint": {"algorithm_id": 3, "value": "ef" * 32},
            "prev_event": {"uid": "e-1"},
            "chain_uid": "api_activity/2026-01-01",
        }
    ],
}
PROFILES = [f"ai_audit/{path.stem}" for path in sorted(FOLDER.glob("profiles/*.json"))]


def _event(class_uid: int, profiles: list[str], **more: Any) -> dict[str, Any]:
    """An event of a class as far as the extension goes; what else the class requires is missing."""
    product = {"name": "p", "vendor_name": "v"}
    return {"class_uid": class_uid, "metadata": {"version": "1.8.0", "product": product, "profiles": profiles}, **more}


def _about_ours(errors: list[str]) -> list[str]:
    return [line for line in errors if line.split(":")[0].split(".")[0].split("[")[0] in {*OURS, "process"}]


@pytest.mark.parametrize("kind", ["api_activity", "process_activity", "detection_finding", "authorize_session"])
def test_an_event_that_claims_the_profiles_may_carry_every_attribute(kind: str) -> None:
    """Model calls, processes, findings, permissions: every class takes them."""
    uid = load().event_class(kind).uid
    event = _event(uid, PROFILES, **OURS, **({"process": {"pid": 1}} if kind == "process_activity" else {}))
    assert _about_ours(validator().errors(event)) == []


def test_an_event_that_does_not_claim_the_profile_may_not() -> None:
    """The complaint names the profile."""
    errors = validator().errors(_event(6003, [], ai_tool=OURS["ai_tool"]))
    assert "ai_tool: is there only with profile `ai_audit/ai_tool`, expected it in metadata.profiles" in errors


def test_a_value_outside_of_an_enum_is_refused() -> None:
    """Verdicts, stages and reasons to stop are closed lists."""
    event = _event(6003, PROFILES, guardrails=[{"name": "g", "guard_verdict_id": 42}])
    assert [line for line in validator().errors(event) if "guard_verdict_id" in line]


def test_a_process_and_an_evidence_may_name_their_agent() -> None:
    """As in OCSF 1.9."""
    agent = {"uid": "a", "name": "n"}
    process = {"pid": 1, "ai_agent": agent, "hosted_ai_agent_list": [agent]}
    event = _event(1007, PROFILES, process=process)
    assert _about_ours(validator().errors(event)) == []
    finding = _event(2004, PROFILES, evidences=[{"ai_agent": agent, "api": {"operation": "x"}}])
    assert [line for line in validator().errors(finding) if line.startswith("evidences")] == []


def _references(extension: Extension) -> Iterator[tuple[str, str]]:
    """Every attribute that a profile or object of the extension uses, with the place."""
    for name, profile in extension.profiles.items():
        yield from ((f"profiles/{name}", attribute) for attribute in profile["attributes"])
    for raw in extension.objects:
        yield from ((f"objects/{raw.get('name', raw['extends'])}", attribute) for attribute in raw["attributes"])


def test_every_attribute_of_the_dictionary_is_used_and_described() -> None:
    """And none repeats one of OCSF 1.8, which an OCSF server would take for another attribute."""
    extension = read_extension(FOLDER)
    used = {attribute for _, attribute in _references(extension)}
    assert set(extension.dictionary) <= used
    assert all(entry["description"].rstrip("</code>").endswith((".", ")")) for entry in extension.dictionary.values())
    assert not set(extension.dictionary) & set(read(locate("1.8.0"))["dictionary"]["attributes"])


def test_what_is_used_is_in_a_dictionary() -> None:
    """An attribute that nobody defines is refused when the extension is merged, by name."""
    extension = read_extension(FOLDER)
    wrong = {"name": "odd", "extends": "object", "attributes": {"nowhere": {"requirement": "optional"}}}
    broken = Extension(extension.about, extension.dictionary, extension.profiles, (wrong,), ())
    with pytest.raises(SchemaError, match="`ai_audit` uses `nowhere`"):
        extended(read(locate("1.8.0")), broken)


def test_no_class_is_private() -> None:
    """The extension adds profiles, objects and attributes only."""
    assert set(complete(locate("1.8.0"))["classes"]) == set(read(locate("1.8.0"))["classes"])


def test_older_releases_are_as_they_were() -> None:
    """Their exports have another shape and know no AI."""
    for version in ("1.0.0", "1.7.0"):
        assert complete(locate(version)) is read(locate(version))


def test_what_a_later_release_brings_itself_is_taken_from_it() -> None:
    """A lake that moves on to the next OCSF keeps its columns and loses nothing."""
    later = json.loads(json.dumps(read(locate("1.8.0"))))
    own = {"type": "object_t", "object_type": "ai_agent", "caption": "own"}
    later["dictionary"]["attributes"]["ai_agent"] = own
    later["objects"]["ai_agent"] = {"name": "ai_agent", "caption": "own", "attributes": {}, "extends": "_entity"}
    later["classes"]["api_activity"]["attributes"]["ai_agent"] = {**own, "profiles": ["ai_operation"]}
    merged = extended(later, read_extension(FOLDER))
    attribute = merged["classes"]["api_activity"]["attributes"]["ai_agent"]
    assert (attribute["caption"], attribute["profiles"]) == ("own", ["ai_operation", "ai_audit/ai_agent"])
    assert merged["classes"]["detection_finding"]["attributes"]["ai_agent"]["object_type"] == "ai_agent"
    assert "ai_audit/ai_agent" not in merged["objects"]
    assert "ai_audit/ai_agent" not in merged["dictionary"]["attributes"]


def test_a_merged_schema_can_be_written_and_read_again(tmp_path: Path) -> None:
    """`schema export` gives it; loading it adds nothing twice."""
    path = tmp_path / "merged.json"
    path.write_text(json.dumps(complete(locate("1.8.0"))))
    again = load(path)
    assert again.event_class("api_activity").attributes == load("1.8.0").event_class("api_activity").attributes
    assert again.profiles == load("1.8.0").profiles


def test_only_what_does_not_travel_with_ocsf_is_an_extension_to_name() -> None:
    """Events name ours in `metadata.extensions`; the profiles of Linux come with every release."""
    found = load().extension_of("ai_audit/ai_tool")
    assert found is not None
    assert (found.name, found.uid) == ("ai_audit", "871")
    assert load().extension_of("linux/linux_users") is None
    assert load().extension_of("cloud") is None


def test_what_events_gain_stands_in_documentation() -> None:
    """Every attribute of a profile is explained in docs/extension.md."""
    page = (schemas_dir().parent / "docs" / "extension.md").read_text("utf-8")
    for profile in read_extension(FOLDER).profiles.values():
        assert [name for name in profile["attributes"] if f"`{name}" not in page] == []
