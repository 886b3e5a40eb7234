"""Many rules asked together find what DuckDB finds that is asked each rule's whole condition of every row."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb
import pytest

from ocsf_pipe.detect import reading, sampling, workers
from ocsf_pipe.detect.backtest import Backtest, connection_of, tables_of
from ocsf_pipe.detect.convert import Converter
from ocsf_pipe.detect.fieldmap import FieldMap
from ocsf_pipe.detect.reading import Found
from ocsf_pipe.detect.rules import Rule, load_rules
from ocsf_pipe.detect.scan import Scan, compiled, fires
from ocsf_pipe.detect.shares import Share
from ocsf_pipe.detect.workers import fires_in
from ocsf_pipe.errors import OcsfPipeError
from ocsf_pipe.lake import Lake, read
from ocsf_pipe.mapping.catalogue import catalogue
from ocsf_pipe.run.ingest import Ingest
from ocsf_pipe.run.normalize import normalize
from tests.detect.drawn import drawn
from tests.detect.events import Event, process, rule_text, written
from tests.detect.test_against_oracle import DETECTIONS, PROCESSES

SHARED = Path(__file__).parents[2].parent / "shared"
SIGMA = Path(os.environ.get("OCSF_PIPE_SIGMA") or SHARED / "sigma")
AT_ONCE = 60
LOGS = [catalogue()[name].plan for name in ("microsoft.sysmon", "microsoft.windows_security")]
TABLE = "process_activity"
Pairs = set[tuple[int, str]]


def lake(events: Sequence[Event]) -> duckdb.DuckDBPyConnection:
    """The events of both logs in one table."""
    sysmon = [one for one in events if "Sysmon" in one["Event"]["System"]["Channel"]]
    rest = [one for one in events if one not in sysmon]
    parts = [normalize(sysmon, "microsoft.sysmon", clock=0).tables]
    return connection_of([*parts, *([normalize(rest, "microsoft.windows_security", clock=0).tables] if rest else [])])


def scan_of(rules: Sequence[Rule], connection: duckdb.DuckDBPyConnection) -> Scan:
    """What the rules ask of process events."""
    return compiled(rules, Converter(FieldMap(LOGS), tables_of(connection)))[TABLE]


def slowly(connection: duckdb.DuckDBPyConnection, scan: Scan, relation: str = TABLE) -> Pairs:
    """Rules and the events that satisfy a whole condition of theirs."""
    found: Pairs = set()
    for first in range(0, len(scan.asked), AT_ONCE):
        some = scan.asked[first : first + AT_ONCE]
        tests = ", ".join(f"case when {one.question.condition} then {one.rule} end" for one in some)
        query = f"select distinct unnest([{tests}]) as rule, metadata.uid as uid from {relation}"
        found.update(connection.sql(f"from ({query}) where rule is not null").fetchall())
    return found


def fast(connection: duckdb.DuckDBPyConnection, scan: Scan, relation: str = TABLE) -> Pairs:
    """Rules and the events that they fire on, of which there is none twice."""
    rows = fires(connection, scan, relation).select(["rule", "uid"]).to_pylist()
    found = {(row["rule"], row["uid"]) for row in rows}
    assert len(rows) == len(found)
    return found


@cache
def process_rules() -> tuple[Rule, ...]:
    """All rules on Windows processes."""
    folders = [SIGMA / name for name in ("rules/windows/process_creation", "rules-emerging-threats")]
    if not folders[0].is_dir():
        pytest.skip("there are no rules here")
    wanted = {("category", "process_creation"), ("product", "windows")}
    return tuple(rule for rule in load_rules(folders) if wanted <= set(rule.logsource) and rule.tree is not None)


@pytest.mark.heavy
def test_all_process_rules_over_drawn_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of events that miss fields, in two logs: the same rules fire on the same events."""
    monkeypatch.setattr(reading, "ROWS", 2048)
    monkeypatch.setattr(sampling, "ROWS", 300)
    rules = process_rules()
    connection = lake(drawn(rules, 6000, 11))
    scan = scan_of(rules, connection)
    found = fast(connection, scan)
    assert found == slowly(connection, scan)
    assert len({rule for rule, _ in found}) > len(rules) / 3


def test_some_process_rules_over_drawn_events() -> None:
    """The same of one rule in thirty."""
    rules = process_rules()[::30]
    connection = lake(drawn(rules, 600, 5))
    scan = scan_of(rules, connection)
    found = fast(connection, scan)
    assert found == slowly(connection, scan)
    assert len({rule for rule, _ in found}) > len(rules) / 3


def rules_in(folder: Path) -> list[Rule]:
    """A rule for each way to ask."""
    texts = [rule_text(text, title=f"Way {i}") for i, text in enumerate(DETECTIONS.values())]
    return written(folder, *texts)


def test_every_way_to_ask_together(tmp_path: Path) -> None:
    """Rules of every kind in one scan, over events drawn from them and over hand-written ones."""
    rules = rules_in(tmp_path)
    for events in (PROCESSES, drawn(rules, 800, 3)):
        connection = lake(events)
        scan = scan_of(rules, connection)
        found = fast(connection, scan)
        assert found == slowly(connection, scan)
        assert len({rule for rule, _ in found}) > len(rules) / 3


def test_an_event_that_is_there_twice_fires_twice(tmp_path: Path) -> None:
    """Rows count, not ids, and a row that must be read again counts once."""
    texts = (
        rule_text("s: {CommandLine|contains: alpha}\ncondition: s", title="Now"),
        rule_text("s: {CommandLine|contains: alpha}\nf: {ParentImage: '-'}\ncondition: s and not f", title="Later"),
    )
    connection = lake([process("alpha", record=1), process("alpha", record=2, ParentImage="C:\\a.exe")])
    connection.execute(f"create view twice as from {TABLE} union all from {TABLE}")
    scan = scan_of(written(tmp_path, *texts), connection)
    rows = fires(connection, scan, "twice").select(["rule", "uid"]).to_pylist()
    assert len(rows) == 8
    assert len({(row["rule"], row["uid"]) for row in rows}) == 4


def test_extra_columns_and_time_come_with_every_fire(tmp_path: Path) -> None:
    """Whether a row was decided at once or later."""
    text = rule_text("s: {CommandLine|contains: alpha}\nf: {ParentImage: '-'}\ncondition: s and not f")
    connection = lake([process("alpha one", record=1), process("alpha two", record=2, ParentImage="C:\\a.exe")])
    rows = fires(connection, scan_of(written(tmp_path, text), connection), TABLE, ['"process"."cmd_line"']).to_pylist()
    assert sorted(row["x0"] for row in rows) == ["alpha one", "alpha two"]
    assert all(row["time"] for row in rows)


def test_processes_share_the_files_of_a_table(tmp_path: Path) -> None:
    """Two processes find in four files what one finds in all."""
    rules = rules_in(tmp_path)
    connection = lake(drawn(rules, 400, 9))
    files = []
    for i in range(4):
        files.append(str(tmp_path / f"{i}.parquet"))
        connection.execute(f"copy (from {TABLE} where hash(metadata.uid) % 4 = {i}) to '{files[-1]}'")
    scan = scan_of(rules, connection)
    parts = [f"read_parquet('{file}')" for file in files]
    rows = fires_in(scan, f"read_parquet({files})", parts, 2).select(["rule", "uid"]).to_pylist()
    assert {(row["rule"], row["uid"]) for row in rows} == fast(connection, scan)
    assert set(scan.seconds) == {one.rule for one in scan.asked}


def test_processes_share_a_backtest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers count what one counts, within a time too, over files of different columns."""
    monkeypatch.setattr(read, "_LEAST", 1)
    rules = rules_in(tmp_path)[::3]
    events = drawn(rules, 600, 4)
    for i, event in enumerate(events):
        at = f"2026-02-10T{i % 24:02d}:00:00"
        event["Event"]["System"]["TimeCreated"]["#attributes"]["SystemTime"] = f"{at}Z"
        if "UtcTime" in event["Event"]["EventData"]:
            event["Event"]["EventData"]["UtcTime"] = f"{at.replace('T', ' ')}.000"
    lake = Lake(tmp_path / "lake", create=True)
    for part in range(3):
        file = tmp_path / f"{part}.ndjson"
        file.write_text("".join(json.dumps(one) + "\n" for one in events[part::3]))
        Ingest(lake).run([file])

    def counted(processes: int, until: datetime | None) -> list[int]:
        run = Backtest(lake.connect(), LOGS, until=until, split=lake.split, workers=processes)
        return [one.fires for one in run.run(rules)]

    noon = datetime(2026, 2, 10, 12, tzinfo=UTC)
    always, early = counted(2, None), counted(2, noon)
    assert always == counted(1, None)
    assert 10 < sum(early) < sum(always)
    assert all(some <= every for some, every in zip(early, always, strict=True))


class _Dying(Share):
    """A share of which every process but the first dies."""

    def run(self) -> Found:
        """End at once where this is not the first process."""
        if multiprocessing.parent_process() is not None:
            os._exit(9)
        return super().run()


def test_a_worker_that_dies_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had taken is counted by nobody, so there is no result."""
    rules = rules_in(tmp_path)
    connection = lake(drawn(rules, 50, 9))
    connection.execute(f"copy (from {TABLE}) to '{tmp_path}/a.parquet'")
    part = f"read_parquet('{tmp_path}/a.parquet')"
    monkeypatch.setattr(workers, "Share", _Dying)
    with pytest.raises(OcsfPipeError, match="worker process was ended") as raised:
        workers.fires_in(scan_of(rules, connection), part, [part, part], 2)
    assert "--workers" in str(raised.value.hint)


def test_no_rows_no_fires(tmp_path: Path) -> None:
    """A table may be empty, or have nothing of the time that is asked for."""
    rules = rules_in(tmp_path)
    connection = lake(drawn(rules, 50, 9))
    assert not fast(connection, scan_of(rules, connection), f"(from {TABLE} where false)")
