"""A rule in a folder: Sigma or SQL, settings and tests beside it, each fault with its place."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import parse

import pytest
from typer.testing import CliRunner

from ocsf_pipe.cli import build
from ocsf_pipe.detect.asking import Asker, schemas_of
from ocsf_pipe.detect.backtest import connection_of
from ocsf_pipe.detect.cases import cases_of
from ocsf_pipe.detect.lint import complaints_about
from ocsf_pipe.detect.marked import Marked
from ocsf_pipe.detect.rules import Rule, load_rules
from ocsf_pipe.detect.settings import settings_of
from ocsf_pipe.run.normalize import normalize
from tests.detect.events import lake, outcomes, process, rule_text, written

UUID = "6a0f4c5e-8a4b-4e0b-9a55-0f4a1b2c3d4e"
BURST = """select max("time") as "time", list(metadata.uid order by "time") as event_uids,
       device.hostname as entity, count(*) as n, any_value(actor.user.email_addr) as mail
from process_activity where process.cmd_line like '%bad%' group by device.hostname having count(*) >= 3"""
TESTS = """- name: three
  mapping: microsoft.sysmon
  records:
    - repeat: 3
      every: 10s
      record: &one
        Event:
          System: {Provider: {"#attributes": {Name: Microsoft-Windows-Sysmon}}, EventID: 1, EventRecordID: "{{n}}",
            Channel: Microsoft-Windows-Sysmon/Operational, Computer: ws1,
            TimeCreated: {"#attributes": {SystemTime: "{{t:iso}}"}}}
          EventData: {UtcTime: "{{t:%Y-%m-%d %H:%M:%S.000}}", Image: 'C:\\a.exe', CommandLine: 'bad {{n}}',
            ProcessId: "4", ParentProcessId: "2"}
  expect: {exactly: 1}
- name: two
  mapping: microsoft.sysmon
  records:
    - {repeat: 2, record: *one}
  expect: EXPECTED
"""


def in_sql(folder: Path, sql: str = BURST, *, reads: str = "process_activity", **beside: str) -> Rule:
    """The rule of a `rule.sql` with this query, and files beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    head = f"title: Burst\nid: {UUID}\nlevel: high\nstatus: test\ntags: [attack.t1110]\nreads: [{reads}]\n"
    (folder / "rule.sql").write_text(f"/*\n{head}*/\n{sql};\n")
    for name, text in beside.items():
        (folder / f"{name}.yml").write_text(text)
    [rule] = load_rules([folder])
    return rule


def run(*words: str | Path, code: int = 0) -> str:
    """What `ocsf-pipe detect …` prints."""
    result = CliRunner().invoke(build(), ["detect", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.stdout


def test_a_rule_in_sql_fires_once_a_row(tmp_path: Path) -> None:
    """With its evidence, its entity and its details; an attribute that no event has yet is null."""
    rule = in_sql(tmp_path / "burst")
    assert (rule.fault, rule.level, rule.tags) == (None, "high", ("attack.t1110",))
    connection = lake("microsoft.sysmon", [process(f"bad {i}", record=i) for i in range(3)])
    [one] = Asker(connection, tables=schemas_of(connection)).fires(rule)
    assert (len(one.events), one.entity, one.details) == (3, "ws1.corp.example", (("n", "3"),))
    [outcome] = outcomes(connection, [rule])
    assert (outcome.judged.state, outcome.fires) == ("live", 1)


def test_a_view_ends_where_the_wanted_time_does(tmp_path: Path) -> None:
    """It reaches back by the lookback; rows at other times than the wanted are left out."""
    rows = """select "time", [metadata.uid] as event_uids, count(*) over () as seen from process_activity"""
    rule = in_sql(tmp_path / "rows", rows, settings="lookback: 10s\n")
    events = [process("x", record=i, UtcTime=f"2026-02-10 08:00:{i:02d}.000") for i in range(0, 50, 5)]
    connection = lake("microsoft.sysmon", events)
    asker = Asker(connection, tables=schemas_of(connection))
    at = 1_770_710_400_000
    found = asker.fires(rule, at + 20_000, at + 30_000)
    assert [one.time - at for one in found] == [20_000, 25_000]
    assert {dict(one.details)["seen"] for one in found} == {"4"}


def test_a_view_of_a_class_without_events_is_empty(tmp_path: Path) -> None:
    """A young lake lacks whole tables, and parts of structs and lists in others: a rule over them still runs."""
    sql = """select p."time", [p.metadata.uid] as event_uids, len(list_filter(p.observables, lambda o: o.type = 'x')) n
        from process_activity p left join authentication a
        on a.actor.user.name = p.actor.user.name and a.auth_factors[1].factor_type = 'x'
        and p.process.user.risk_level = 'y'
        where not coalesce(a.is_mfa, false)"""
    rule = in_sql(tmp_path / "join", sql, reads="process_activity, authentication")
    [outcome] = outcomes(lake("microsoft.sysmon", [process("a")]), [rule])
    assert (outcome.error, outcome.fires, outcome.judged.state) == (None, 1, "degraded")
    assert outcome.judged.reasons == ("the lake holds no events in authentication",)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select \"time\", [metadata.uid] as event_uids from process_activity where process.cmdline = 'x'", "cmdline"),
        ('select "time" from process_activity', "no column `event_uids`"),
        ("select 1; select 2", "one `select`"),
        ("drop table process_activity", "one `select`"),
    ],
)
def test_a_query_that_cannot_run_is_blind_and_says_why(sql: str, said: str, tmp_path: Path) -> None:
    """A column that no class has is found without a lake."""
    in_sql(tmp_path / "wrong", sql)
    assert said in run("lint", tmp_path, code=1)


def test_findings_of_our_own_are_not_seen_by_rules(tmp_path: Path) -> None:
    """A rule over the findings of others does not find itself."""
    rule = in_sql(
        tmp_path / "own",
        'select "time", [metadata.uid] as event_uids from detection_finding',
        reads="detection_finding",
    )
    table = (
        normalize([process("x")], "microsoft.sysmon", clock=0).tables["process_activity"].select(["time", "metadata"])
    )
    import pyarrow as pa

    both = pa.concat_tables(
        [table.append_column("source", pa.array([name])) for name in ("ocsf_pipe.detect", "aws.guardduty")]
    )
    connection = connection_of([{"detection_finding": both}])
    assert len(Asker(connection, tables=schemas_of(connection)).fires(rule)) == 1


def test_placeholders_of_the_settings_fill_both_kinds_of_rules(tmp_path: Path) -> None:
    """`$name` in SQL, `%name%` in Sigma."""
    sql = """select "time", [metadata.uid] as event_uids from process_activity
        where list_contains($names, process.cmd_line)"""
    rule = in_sql(tmp_path / "a", sql, settings="placeholders: {names: [one, two]}\n")
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "rule.yml").write_text(rule_text("s:\n  CommandLine|expand: '%names%'\ncondition: s"))
    (folder / "settings.yml").write_text("placeholders: {names: [two, three]}\n")
    events = [process(name, record=i) for i, name in enumerate(("one", "two", "three", "four"))]
    found = outcomes(lake("microsoft.sysmon", events), [rule, *load_rules([folder])])
    assert [one.fires for one in found] == [2, 2]


def test_what_a_rule_needs_is_attributes_of_which_each_or_one_of_several_must_be_there() -> None:
    """An item is one attribute or a list of alternatives; `helps` reads the same."""
    text = "needs: [api_activity.ai_tool.name, [a.b, c.d]]\nhelps: [e.f]\n"
    marked = Marked("settings.yml")
    found = settings_of(text, marked)
    assert (found.needs, found.helps) == ((("api_activity.ai_tool.name",), ("a.b", "c.d")), (("e.f",),))
    assert marked.faults == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dedupe: {}\n", "settings.yml:1:1: unknown key `dedupe` in the settings; did you mean `dedup`?"),
        ("owner: a\nschedule: soon\n", "settings.yml:2:11: `schedule` must be a time span"),
        ("risk: {impact: 101}\n", "`risk.impact` must be a whole number from 0 to 100"),
        ("dedup: {keys: [entity]}\n", "`dedup` needs both"),
        ("suppress: [{where: {a: b}}]\n", "needs a `reason`"),
        ("threshold: 3\n", "counts within a window"),
        ("needs: [cmd_line]\n", "settings.yml:1:9: an item of `needs` is a table and an attribute, such as"),
        ("a: [\n", "not YAML"),
    ],
)
def test_settings_that_do_not_fit_name_their_place(text: str, said: str, tmp_path: Path) -> None:
    """And make the rule one that does not run."""
    marked = Marked("settings.yml")
    settings_of(text, marked)
    assert said in "\n".join(marked.faults)
    rule = in_sql(tmp_path / "rule", settings=text)
    assert rule.fault is not None
    assert run("lint", tmp_path, code=1)


def test_risk_follows_from_level_and_status() -> None:
    """Unless the settings say better."""
    usual = settings_of("", Marked("x"))
    assert usual.risk("high", "stable") == 56
    assert settings_of("risk: {impact: 90, confidence: 50}", Marked("x")).risk("low", "test") == 45


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: a}\n", "a case needs `expect`"),
        ("- {name: a, expect: {exactly: 1}}\n", "`mapping` is missing"),
        ("- {name: a, expect: {exactly: 1, at_most: 2}, mapping: m, records: []}\n", "takes one of"),
        ("- {name: a, expect: 1, mapping: m, records: [1]}\n", "a record is a text"),
        ("- {name: a, expect: 1, mapping: m, records: [{repeat: 0, record: {}}]}\n", "`repeat` must be"),
        ("- &c {name: a, expect: 1, mapping: m, records: []}\n- *c\n", "two cases are named `a`"),
    ],
)
def test_tests_that_do_not_fit_name_their_place(text: str, said: str) -> None:
    """With the line of the case."""
    marked = Marked("tests.yml")
    cases_of(text, marked)
    assert said in "\n".join(marked.faults)
    assert all(fault.startswith("tests.yml:") for fault in marked.faults)


def test_a_record_of_a_test_is_what_json_would_be() -> None:
    """Dates and `yes` are texts; numbers and `true` are not; a text in place of the list is one record a line."""
    text = (
        "- name: a\n  expect: 1\n  mapping: m\n  records: [{d: 2026-02-10T08:00:00Z, y: yes, n: 7, id: 007, t: true}]\n"
    )
    text += "- name: b\n  expect: 1\n  mapping: m\n  records: |\n    one\n\n    two\n"
    one, two = cases_of(text, Marked("x"))
    assert one.feeds[0].records == ({"d": "2026-02-10T08:00:00Z", "y": "yes", "n": 7, "id": "007", "t": True},)
    assert two.feeds[0].records == ("one", "two")


def test_a_record_that_repeats_is_numbered_and_timed() -> None:
    """A text that is nothing but a number becomes one."""
    record = "{n: '{{n}}', id: 'u-{{n:03d}}', at: '{{t:epoch_ms}}', day: '{{t:%d.%m.%Y}}', iso: '{{t}}'}"
    text = f"- name: a\n  expect: 1\n  mapping: m\n  records: [{{repeat: 2, every: 1d, record: {record}}}]\n"
    [case] = cases_of(text, Marked("x"))
    assert case.feeds[0].records[1] == {
        "n": 1, "id": "u-001", "at": 1_770_796_800_000, "day": "11.02.2026", "iso": "2026-02-11T08:00:00.000Z",
    }  # fmt: skip


def test_detect_test_says_what_fails_and_why(tmp_path: Path) -> None:
    """In words, by its exit code, and as JUnit."""
    in_sql(tmp_path / "burst", tests=TESTS.replace("EXPECTED", "0"))
    assert run("test", tmp_path).splitlines() == ["✓ Burst: three", "✓ Burst: two"]
    (tmp_path / "burst" / "tests.yml").write_text(TESTS.replace("EXPECTED", "{at_least: 1}"))
    text = run("test", tmp_path, "--junit", tmp_path / "out.xml", code=1)
    assert "✗ Burst: two" in text
    assert "tests.yml:14: 0 findings, expected at least 1" in text
    assert "2 in process_activity" in text
    suite = parse(tmp_path / "out.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_a_record_that_its_mapping_refuses_fails_the_test(tmp_path: Path) -> None:
    """Else a negative case would hold for the wrong reason."""
    tests = "- {name: a, mapping: microsoft.sysmon, records: ['no record'], expect: 0}\n"
    in_sql(tmp_path / "burst", tests=tests)
    assert "microsoft.sysmon refuses record 1" in run("test", tmp_path, code=1)


def test_a_failing_sigma_rule_is_explained_leaf_by_leaf(tmp_path: Path) -> None:
    """As `detect explain` does."""
    (tmp_path / "rule.yml").write_text(rule_text("s: {CommandLine|contains: 'bad 7'}\ncondition: s"))
    (tmp_path / "tests.yml").write_text(TESTS.replace("EXPECTED", "0"))
    text = run("test", tmp_path, "-k", "three", code=1)
    assert "✗ CommandLine = '*bad 7*'  process.cmd_line is 'bad 0'" in text


@pytest.mark.parametrize("options", [(), ("--sql",)])
def test_a_drafted_rule_can_be_read(options: tuple[str, ...], tmp_path: Path) -> None:
    """Its tests fail until they are written, and nothing is written over."""
    run("rule", "new", tmp_path / "new_admin", *options)
    [rule] = load_rules([tmp_path])
    assert (rule.fault, rule.title) == (None, "New admin")
    assert complaints_about([rule]) == []
    assert Asker(lake("microsoft.sysmon", [])).problem(rule) is None
    run("rule", "new", tmp_path / "new_admin", code=1)


def test_ids_and_names_used_twice_are_complained_about(tmp_path: Path) -> None:
    """Findings of two rules of one id would be one rule's."""
    rules = written(tmp_path, *(rule_text("s: {Image: a}\ncondition: s", title="Same") for _ in range(2)))
    assert len(complaints_about(rules)) == 4
