"""What an application says becomes valid OCSF events that belong together."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from ocsf_pipe.audit import AuditLog, Content
from ocsf_pipe.mapping.catalogue import catalogue
from ocsf_pipe.run.normalize import normalize
from ocsf_pipe.schema.validate import validator
from ocsf_pipe.testing.events import ocsf_events


def test_a_conversation_is_one_query(tmp_path: Path) -> None:
    """Each thing is an event, and all of them bear the turn; a call's id is the same where it is asked for and made."""
    with AuditLog("bot", url="", folder=tmp_path) as log, log.session("s1", user="ann@acme.example"), log.turn("t1"):
        with log.call("gpt-4.1", "openai", prompt="?") as call:
            asked = {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {"q": "x"}}
            call.observe({"id": "m1", "content": [asked], "usage": {"input_tokens": 5, "output_tokens": 2}})
        log.approval("approved", tool="search", tool_call="toolu_1", by="bea")
        log.tool("search", uid="toolu_1", server="web", open_world=True, result="…", duration_ms=3)
        log.retrieval("kb", documents=["d1"])
        log.guardrail("shield", "blocked", categories=["prompt_attack"], score=0.9)
        log.error(RuntimeError("no"))
        lines = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("*-*"))).splitlines()
    plan = catalogue()["ocsf_pipe.audit"].plan
    found = normalize([json.loads(line) for line in lines], plan)
    events = [event for table in found.tables.values() for event in ocsf_events(table, plan.version)]
    check = validator(plan.version)
    assert [check.errors(event) for event in events if check.errors(event)] == []
    assert {event["metadata"]["correlation_uid"] for event in events} == {"t1"}
    assert Counter(event["type_name"] for event in events) == {
        "API Activity: Other": 5,
        "Datastore Activity: Query": 1,
        "Detection Finding: Create": 1,
        "Base Event: Other": 1,
    }
    calls = [event for event in events if event.get("api", {}).get("request", {}).get("uid") == "toolu_1"]
    assert [event["metadata"]["event_code"] for event in calls] == ["completion", "approval", "tool_call"]


def test_texts_that_were_sent_are_sealed_wherever_an_application_put_them(tmp_path: Path) -> None:
    """In fields of its own as well: no event of the default tier holds one."""
    text = "the launch code is 0000"
    with AuditLog("bot", url="", folder=tmp_path, content=True) as log:
        with log.call("m", prompt=text) as call:
            call.response(text)
            call.tool("t", arguments=text, result={"a": text})
        log.retrieval("kb", query=text, documents=[{"id": "d1", "text": text}])
        log.write("note", {"mine": Content(text), "deep": [{"er": Content(text)}]})
        lines = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("*-*"))).splitlines()
    assert sum(text.encode() in line for line in lines) == len(lines) == 4
    found = normalize([json.loads(line) for line in lines], catalogue()["ocsf_pipe.audit"].plan)
    events = [event for table in found.tables.values() for event in table.to_pylist()]
    assert len(events) == 4
    assert not [event for event in events if text in str(event)]
