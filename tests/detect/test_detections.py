"""The shipped rules: each finds what its tests plant and nothing else, and each query of each playbook runs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import duckdb
import pytest

from ocsf_pipe.bundled import detections_dir
from ocsf_pipe.detect.backtest import connection_of
from ocsf_pipe.detect.cases import Record
from ocsf_pipe.detect.folders import cases_beside, playbook_beside
from ocsf_pipe.detect.lint import complaints_about
from ocsf_pipe.detect.rules import Rule, load_rules
from ocsf_pipe.run.normalize import normalize
from ocsf_pipe.testing.detections import run_tests

FILES = sorted(detections_dir().glob("*/*/rule.sql"))
AREAS = ("ai", "cloud", "endpoint", "identity")
BLOCK = re.compile(r"^ *```sql\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
QUERIES = 5
PLAYBOOKS = Path(__file__).parents[2] / "docs" / "playbooks"
PAGES = sorted(page for page in PLAYBOOKS.glob("*.md") if page.name != "README.md")


def name_of(file: Path) -> str:
    """The rule's area and name."""
    return f"{file.parent.parent.name}/{file.parent.name}"


@cache
def shipped() -> tuple[Rule, ...]:
    """All shipped rules."""
    return tuple(load_rules([detections_dir()]))


def queries_of(file: Path) -> list[str]:
    """The queries of the playbook beside a rule."""
    playbook = playbook_beside(file)
    return BLOCK.findall(playbook.read_text(encoding="utf-8")) if playbook is not None else []


@cache
def lake() -> duckdb.DuckDBPyConnection:
    """A lake that holds the records of the tests of all rules."""
    records: dict[str, list[Record]] = {}
    for file in FILES:
        for case in cases_beside(file)[0]:
            for feed in case.feeds:
                records.setdefault(feed.mapping, []).extend(feed.records)
    return connection_of([normalize(some, mapping, clock=0).tables for mapping, some in records.items()])


def test_there_are_thirty_on_ai_and_sixty_on_the_rest() -> None:
    """The starter pack has its size, and the detections of AI are numbered without a gap."""
    assert sorted({file.parent.parent.name for file in FILES}) == list(AREAS)
    numbers = [rule.title.split()[0] for rule in shipped() if "/ai/" in rule.path]
    assert sorted(numbers) == [f"AI-{number:02d}" for number in range(1, 31)]
    assert len(FILES) >= 90


def test_every_rule_can_be_read() -> None:
    """No rule has a fault, none shares its id or name, none has tests that cannot be read."""
    assert [rule.fault for rule in shipped() if rule.fault] == []
    assert complaints_about(shipped()) == []


def test_the_list_names_every_rule() -> None:
    """`detections/README.md` has a line for each, with its title."""
    text = (detections_dir() / "README.md").read_text(encoding="utf-8")
    rows = {f"| [`{Path(r.path).parent.name}`]({name_of(Path(r.path))}) | {r.title} | {r.level} |" for r in shipped()}
    assert [row for row in sorted(rows) if row not in text] == []


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_rule_is_whole(file: Path) -> None:
    """It has a test that fires and one that stays silent, tags, and a playbook with triage, queries and containment."""
    cases, faults = cases_beside(file)
    assert faults == ()
    assert any(case.sign == "exactly" and case.count == 0 for case in cases)
    assert any(case.count > 0 for case in cases)
    rule = next(rule for rule in shipped() if Path(rule.path) == file)
    assert rule.tags
    assert rule.settings.runbook == "playbook.md"
    playbook = playbook_beside(file)
    assert playbook is not None
    text = playbook.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Triage",
        "## Queries",
        "## Containment",
    ]
    assert len(queries_of(file)) == QUERIES


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_the_queries_of_a_playbook_run(file: Path) -> None:
    """Each runs over a lake with the records of all tests, and at least two of the five have something to show."""
    shown = [bool(lake().execute(query).fetchall()) for query in queries_of(file)]
    assert sum(shown) >= 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_queries_of_an_incident_playbook_run(page: Path) -> None:
    """Each runs over that lake, and each has something to show."""
    queries = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert len(queries) >= QUERIES
    assert [query for query in queries if not lake().execute(query).fetchall()] == []


@pytest.mark.heavy
@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_rule_finds_what_its_tests_plant(file: Path) -> None:
    """Each case holds: raw records in, findings counted, through mapping, tables and query."""
    assert [f"{ran.name}: {ran.problem}" for ran in run_tests([file]) if ran.problem is not None] == []
