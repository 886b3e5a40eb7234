"""Evidence is a query, its result and hashes; what is missing is said, and nothing is judged."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from ocsf_pipe.detect.queries import Query
from ocsf_pipe.detect.views import bounded
from ocsf_pipe.errors import UsageError
from ocsf_pipe.evidence.duties import FRAMEWORKS, framework, scopes
from ocsf_pipe.evidence.inventory import NONE, Inventory, System, read_inventory
from ocsf_pipe.evidence.render import as_json, as_markdown
from ocsf_pipe.evidence.report import Report, report
from ocsf_pipe.lake import Lake
from ocsf_pipe.schema import load

DAY = 86_400_000
SINCE, UNTIL = 1_735_689_600_000, 1_798_761_600_000  # 2025 and 2026
AGENT = System(
    "agent", "Support agent", 3, (("source", ("otel.genai",)), ("actor.app_name", ("support-agent",))), risk="high"
)
CODER = System("coder", "Coding agent", 2, (("source", ("anthropic.claude_code",)),), within=86400)
GHOST = System("ghost", "Ghost", 5, (("source", ("nobody.nothing",)),))


@cache
def made(lake: Lake, name: str = "eu-ai-act", inventory: Inventory = NONE, at: int = UNTIL) -> Report:
    """A report of both years, each made once."""
    return report(lake, framework(name), inventory, SINCE, UNTIL, at)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_duty_is_asked_and_answered(ai_lake: Lake, name: str) -> None:
    """Each query runs, whatever columns the lake has; each has a hash of all it gave."""
    found = made(ai_lake, name)
    assert found.findings
    assert all(len(answer.sha256) == 64 for one in found.findings for answer in one.answers)
    assert sum(answer.rows for one in found.findings for answer in one.answers) > 20


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_report_never_judges(ai_lake: Lake, tmp_path: Path, name: str) -> None:
    """The word is not in it, with events and without."""
    for lake in (ai_lake, Lake(tmp_path / "lake", create=True)):
        found = made(lake, name, Inventory((AGENT, GHOST)))
        for text in (as_markdown(found), json.dumps(as_json(found))):
            assert not re.search(r"\b(non-?)?complian(t|ce)\b", text.replace("compliance_finding", ""), re.IGNORECASE)
            assert "a judgement" in text


def test_the_fields_and_views_of_duties_are_of_ocsf() -> None:
    """Whatever is asked for is in the schema, and every query can be bound without a lake."""
    schema = load()
    for name in FRAMEWORKS:
        for duty in framework(name).duties:
            for path in duty.fields:
                table, _, attribute = path.partition(".")
                schema.attribute(table, attribute)
            for asked in duty.queries:
                assert all(table in schema.classes for table in asked.reads)
                bounded(Query(asked.sql, asked.reads), {}, schema, 0, 1)
            assert duty.asks
    assert [one.number for one in scopes()] == [1, 2, 3, 4, 5]


def test_sources_without_ai_are_no_evidence(ai_lake: Lake) -> None:
    """Sign-ins of Okta are not events of an AI system."""
    assert made(ai_lake).sources == ("anthropic.claude_code", "otel.genai")


def test_the_hash_changes_with_the_result_and_with_nothing_else(ai_lake: Lake) -> None:
    """Asked twice the same, asked of another period another."""
    first, again = made(ai_lake), made(ai_lake, at=UNTIL + DAY)
    answers = [[answer.sha256 for one in found.findings for answer in one.answers] for found in (first, again)]
    assert answers[0] == answers[1]
    other = report(ai_lake, framework("eu-ai-act"), NONE, SINCE, SINCE + DAY, UNTIL)
    assert other.findings[0].answers[0].sha256 != first.findings[0].answers[0].sha256


def test_what_was_read_has_a_hash_that_the_lake_attests(ai_lake: Lake) -> None:
    """Every day of every table that a query read."""
    found = made(ai_lake).partitions
    assert {one.table for one in found} >= {"api_activity", "process_activity"}
    assert all(one.attested and one.head and one.rows for one in found)


def test_silent_systems_are_gaps(ai_lake: Lake) -> None:
    """One that said nothing, and one that was quiet for longer than it may be."""
    found = made(ai_lake, inventory=Inventory((AGENT, CODER, GHOST)))
    heard = {one.system.id: one for one in found.systems}
    assert (heard["agent"].events > 0, heard["agent"].silent) == (True, False)
    assert (heard["coder"].events > 0, heard["coder"].silent) == (True, True)
    assert (heard["ghost"].events, heard["ghost"].silent) == (0, True)
    texts = [gap.text for gap in found.gaps if gap.kind == "silent"]
    assert "Ghost has no event in the period" in texts
    assert any(text.startswith("Coding agent was silent for") for text in texts)


def test_what_the_inventory_does_not_name_is_a_gap(ai_lake: Lake) -> None:
    """Events of an application that is no system of anybody."""
    found = made(ai_lake, inventory=Inventory((AGENT,)))
    assert any(one.source == "anthropic.claude_code" for one in found.unnamed)
    assert not any(one.application == "support-agent" for one in found.unnamed)
    assert any("is in no system of the inventory" in gap.text for gap in found.gaps)


def test_empty_fields_and_queries_are_gaps(ai_lake: Lake) -> None:
    """By name, with the number of events that were asked."""
    gaps = [gap for one in made(ai_lake).findings for gap in one.gaps]
    assert any(gap.kind == "empty" and "is empty in all" in gap.text for gap in gaps)
    before = report(ai_lake, framework("eu-ai-act"), NONE, SINCE - DAY, SINCE, UNTIL)
    assert any(gap.kind == "nothing" for one in before.findings for gap in one.gaps), "a day without events"


def test_six_months_are_counted_from_the_oldest_record(ai_lake: Lake) -> None:
    """Younger records are a gap of Articles 19 and 26, older ones are not."""

    def short(at: int) -> set[str]:
        return {one.duty.id for one in made(ai_lake, at=at).findings for gap in one.gaps if gap.kind == "retention"}

    times = [time for _, time in made(ai_lake).oldest]
    assert short(min(times) + 182 * DAY) == {"Art. 19(1)", "Art. 26(6)"}
    assert short(max(times) + 184 * DAY) == set()


def test_scopes_that_a_duty_cannot_be_shown_for_are_gaps(ai_lake: Lake) -> None:
    """Of a consumer application nobody else's customer has the model's records."""
    found = made(ai_lake, inventory=Inventory((System("chat", "Chat", 1, (("source", ("x.y",)),)),)))
    by_duty = {one.duty.id: [gap.kind for gap in one.gaps] for one in found.findings}
    assert "scope" in by_duty["Art. 12(1)"]
    assert "scope" not in by_duty["Art. 26(6)"]
    assert "**1 Consumer application.**" in as_markdown(found)


def test_text_of_logs_cannot_write_the_report(tmp_path: Path) -> None:
    """A name with a line break or a bar stays in its cell."""
    from ocsf_pipe.evidence.render import _cell

    assert _cell("a\n# b | c <img>") == "a # b \\| c &lt;img>"


INVENTORY = """systems:
  - {id: a, scope: 3, match: {source: otel.genai, actor.app_name: [x, y]}, expects: {within: 6h}, risk: high, owner: me}
"""


def test_an_inventory_is_read(tmp_path: Path) -> None:
    """A single value is a list of one."""
    path = tmp_path / "ai.yml"
    path.write_text(INVENTORY)
    [system] = read_inventory(path).systems
    assert system.match == (("source", ("otel.genai",)), ("actor.app_name", ("x", "y")))
    assert (system.scope, system.within, system.role) == (3, 6 * 3600, "deployer")


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("systems: [{id: a, scope: 6, match: {source: x}}]", "systems.0.scope: 6 is greater"),
        ("systems: [{id: a, scope: 1}]", "'match' is a required"),
        ('systems: [{id: a, scope: 1, match: {"a\'b": x}}]', "does not match"),
        ("- a", "the file: "),
        ("a: [", "cannot be read"),
        ("systems: [{id: a, scope: 1, match: {source: x}}, {id: a, scope: 1, match: {source: y}}]", "two systems"),
    ],
)
def test_an_inventory_that_is_none_is_refused(tmp_path: Path, text: str, fact: str) -> None:
    """With the place of the mistake."""
    path = tmp_path / "ai.yml"
    path.write_text(text)
    with pytest.raises(UsageError, match=re.escape(fact)):
        read_inventory(path)
