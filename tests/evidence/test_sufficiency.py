"""A detection is as good as what the lake has for it; what would mend it has a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocsf_pipe.bundled import detections_dir, mappings_dir
from ocsf_pipe.detect.rules import load_rules
from ocsf_pipe.errors import UsageError
from ocsf_pipe.evidence.filled import Filled
from ocsf_pipe.evidence.sufficiency import Judge, Sufficiency
from ocsf_pipe.evidence.switches import switches_beside
from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import catalogue
from ocsf_pipe.schema import load

UUID = "6a0f4c5e-8a4b-4e0b-9a55-0f4a1b2c3d4e"


def judged(lake: Lake, tmp_path: Path, sql: str, reads: str, settings: str = "") -> Sufficiency:
    """The verdict on a rule of one's own."""
    folder = tmp_path / "rule"
    folder.mkdir()
    (folder / "rule.sql").write_text(
        f"/*\ntitle: A rule\nid: {UUID}\nlevel: low\nstatus: test\nreads: [{reads}]\n*/\n{sql}\n"
    )
    (folder / "settings.yml").write_text(settings)
    [rule] = load_rules([folder])
    return Judge.of(Filled(lake), catalogue()).judge(rule)


SQL = "select time, [metadata.uid] as event_uids from {} where status_id = 1"


def test_with_all_that_it_needs_a_rule_is_live(ai_lake: Lake, tmp_path: Path) -> None:
    """One of several attributes is enough."""
    settings = "needs: [api_activity.ai_model.name, [api_activity.colour, api_activity.actor.user.uid]]\n"
    found = judged(ai_lake, tmp_path, SQL.format("api_activity"), "api_activity", settings)
    assert (found.state, found.lacks) == ("live", ())
    assert {"anthropic.claude_code", "otel.genai"} <= set(found.sources)


def test_without_what_it_needs_a_rule_is_blind(ai_lake: Lake, tmp_path: Path) -> None:
    """The lack says how many events were asked, and which mappings could have it."""
    settings = "needs: [authentication.ai_tool.name]\n"
    found = judged(ai_lake, tmp_path, SQL.format("authentication"), "authentication", settings)
    [lack] = found.lacks
    assert (found.state, lack.needed, lack.paths) == ("blind", True, ("authentication.ai_tool.name",))
    assert lack.events > 0


def test_without_what_helps_a_rule_is_degraded(ai_lake: Lake, tmp_path: Path) -> None:
    """A mapping that is not in use and could fill it is named."""
    settings = "needs: [api_activity.ai_model.name]\nhelps: [api_activity.cloud.account.uid]\n"
    found = judged(ai_lake, tmp_path, SQL.format("api_activity"), "api_activity", settings)
    [lack] = found.lacks
    assert (found.state, lack.needed) == ("degraded", False)
    assert "aws.bedrock_invocation" in lack.mappings
    assert "okta.system_log" not in (*lack.mappings, *lack.silent)


def test_without_events_a_rule_is_blind(ai_lake: Lake, tmp_path: Path) -> None:
    """Whatever it needs."""
    found = judged(ai_lake, tmp_path, SQL.format("dns_activity"), "dns_activity")
    assert (found.state, found.sources) == ("blind", ())


def test_a_switch_of_a_source_in_use_is_named(tmp_path: Path) -> None:
    """Claude Code tells commands only with OTEL_LOG_TOOL_DETAILS."""
    from ocsf_pipe.run.ingest import Ingest

    lake = Lake(tmp_path / "lake", create=True)
    record = (
        '{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{"name":"com.anthropic.claude_code.events"},"logRecords":[{"timeUnixNano":'
        '"1772442902000000000","body":{"stringValue":"claude_code.tool_decision"},"attributes":[{"key":"event.name","value":{"stringValue":'
        '"tool_decision"}},{"key":"tool_name","value":{"stringValue":"Bash"}},{"key":"decision","value":{"stringValue":"accept"}},{"key":'
        '"session.id","value":{"stringValue":"s1"}}]}]}]}]}'
    )
    (tmp_path / "log.ndjson").write_text(record + "\n")
    Ingest(lake, "anthropic.claude_code").run([str(tmp_path / "log.ndjson")])
    settings = "needs: [process_activity.process.cmd_line]\n"
    found = judged(lake, tmp_path, SQL.format("process_activity"), "process_activity", settings)
    assert found.state == "blind"
    assert [switch.switch for switch in found.lacks[0].switches] == ["OTEL_LOG_TOOL_DETAILS=1"]


def test_a_rule_that_says_nothing_goes_by_the_attributes_that_it_names(ai_lake: Lake, tmp_path: Path) -> None:
    """They help; without any event of its tables it is blind."""
    sql = (
        "select a.time, [a.metadata.uid] as event_uids, a.cost.currency from api_activity a where a.api.operation = 'x'"
    )
    found = judged(ai_lake, tmp_path, sql, "api_activity")
    assert "api_activity.api.operation" not in {path for lack in found.lacks for path in lack.paths}
    assert found.state in {"live", "degraded"}


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_what_a_switch_gives_its_mapping_sets(name: str) -> None:
    """Every attribute of switches.yml is one that the mapping assigns."""
    listed = catalogue()[name]
    for switch in switches_beside(name, listed.path):
        for path in switch.gives:
            table, _, attribute = path.partition(".")
            wanted = tuple(attribute.split("."))
            routes = [route for route in listed.plan.routes if route.table == table]
            found = [a.path for route in routes for a in (*route.assigns, *route.derived)]
            assert any(one[: len(wanted)] == wanted[: len(one)] for one in found), path
            load().attribute(routes[0].class_name, attribute)


def test_a_file_of_switches_is_checked(tmp_path: Path) -> None:
    """Its keys are few."""
    file = tmp_path / "mapping.yaml"
    assert switches_beside("a.b", file) == ()
    for text, fact in (("a: 1", "no list"), ("- switch: X", "lacks `gives`, `where`"), ("- [", "not YAML")):
        (tmp_path / "switches.yml").write_text(text)
        with pytest.raises(UsageError, match=fact):
            switches_beside("a.b", file)
    (tmp_path / "switches.yml").write_text("- {switch: X, where: y, gives: [], why: z}")
    with pytest.raises(UsageError, match="`why` is no key"):
        switches_beside("a.b", file)


def test_every_shipped_ai_detection_says_what_it_needs() -> None:
    """Each need is an attribute of OCSF or of its extension, in a table that is a class."""
    rules = load_rules([detections_dir() / "ai"])
    assert len(rules) >= 30
    for rule in rules:
        assert rule.settings.needs, rule.path
        for path in (path for group in (*rule.settings.needs, *rule.settings.helps) for path in group):
            table, _, attribute = path.partition(".")
            if attribute not in {"source", "raw_data", "unmapped"}:
                load().attribute(table, attribute)


def test_some_mappings_have_switches() -> None:
    """Among them those whose source logs least by default."""
    assert (mappings_dir() / "anthropic" / "claude_code" / "switches.yml").is_file()
