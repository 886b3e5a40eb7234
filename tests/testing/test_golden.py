"""The golden runner: what it writes, and each thing that it complains of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.engine.outcome import Outcome
from ocsf_pipe.mapping import compile_text
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.schema import load
from ocsf_pipe.testing.golden import Sample, read_golden, read_records, run_goldens, samples_of
from ocsf_pipe.testing.lines import make

MAPPING = """\
mapping: some.source
product: {vendor_name: Some, name: Source}
input: {format: json, records: "items[*]"}
every:
  time: at
  activity_id: 'Other'
  severity_id: 'Informational'
events:
  - name: noted
    class: base_event
    message: text
  - name: part
    also: true
    class: base_event
    when: parts is not null
    for_each: parts as p
    message: p
"""
GOOD = {"at": "2026-02-10T09:00:00Z", "text": "one", "parts": ["x", "y"], "big": 12345678901234567890123}
LATE = {"text": "no time"}


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The compiled mapping."""
    text = MAPPING.replace("{format: json,", '{format: json, fields: {parts: "list(text)"},')
    return compile_text(text, "mappings/some/source/mapping.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one sample: an envelope of two records, a line that is no JSON, a record of its own."""
    (tmp_path / "samples").mkdir()
    lines = [json.dumps({"items": [GOOD, LATE]}), '{"at": nothing}', json.dumps({**GOOD, "parts": None})]
    (tmp_path / "samples" / "a.input.ndjson").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_lines_stand_in_the_order_of_the_records(plan: Plan, folder: Path) -> None:
    """Events of one record together, rejected records and lines where they stood."""
    made = make(plan, read_records(plan, folder / "samples" / "a.input.ndjson"), load())
    said = [line.get("message") or line["_quarantine"]["reason"] for line in made.lines]
    assert said[:4] == ["one", "x", "y", "required attribute `time` is null"]
    assert said[-1] == "one"
    assert len(said) == 6
    assert dict(made.rules) == {"noted": 2, "part": 1}


def test_golden_reads_back_as_it_was_written(plan: Plan, folder: Path) -> None:
    """Keys are sorted, numbers beyond 64 bits keep their digits, and a second update changes nothing."""
    report = run_goldens(plan, folder, update=True)
    (sample,) = samples_of(folder)
    assert (report.complaints, report.updated) == ((), (sample.expected,))
    first = sample.expected.read_text().split("\n", maxsplit=1)[0]
    assert "12345678901234567890123" in first
    assert list(read_golden(sample)[0]) == sorted(read_golden(sample)[0])
    assert run_goldens(plan, folder, update=True).updated == ()
    assert (report.events, report.rejected, report.samples) == (4, 2, 1)


def test_changed_golden_is_a_complaint(plan: Plan, folder: Path) -> None:
    """Any changed value of a golden fails."""
    run_goldens(plan, folder, update=True)
    golden = samples_of(folder)[0].expected
    golden.write_text(golden.read_text().replace('"message":"y"', '"message":"z"'))
    (complaint,) = run_goldens(plan, folder).complaints
    assert 'message: expected "z", got "y"' in complaint


def test_golden_without_a_sample_is_a_complaint(plan: Plan, folder: Path) -> None:
    """What nothing produces is not left lying about."""
    run_goldens(plan, folder, update=True)
    (folder / "samples" / "b.expected.ndjson").write_text("")
    assert run_goldens(plan, folder).complaints == ("b.expected.ndjson: no sample belongs to it",)


def test_two_samples_of_one_golden_are_a_complaint(plan: Plan, folder: Path) -> None:
    """`a.input.ndjson` and `a.input.json` would overwrite each other's golden."""
    (folder / "samples" / "a.input.json").write_text(json.dumps(GOOD))
    found = run_goldens(plan, folder, update=True).complaints
    assert "a.expected.ndjson: more than one sample belongs to it" in found


def test_folder_without_samples_is_a_complaint(plan: Plan, tmp_path: Path) -> None:
    """A mapping that shows nothing is not tested."""
    assert run_goldens(plan, tmp_path).complaints == (f"{tmp_path / 'samples'}: no `*.input.*` file",)


def test_engines_that_disagree_are_a_complaint(plan: Plan, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If DuckDB gave other events than the reference, it would be said."""
    run_goldens(plan, folder, update=True)
    monkeypatch.setattr(DuckEngine, "run", lambda *_, **__: Outcome())
    assert any(one.startswith("the engines disagree") for one in run_goldens(plan, folder).complaints)


def test_event_that_ocsf_does_not_allow_is_a_complaint(
    plan: Plan, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event is asked of the schema; what it refuses is shown with the event."""
    run_goldens(plan, folder, update=True)

    class Strict:
        def errors(self, event: dict[str, object]) -> list[str]:
            return ["message: is `x`"] if event.get("message") == "x" else []

    monkeypatch.setattr("ocsf_pipe.testing.golden.validator", lambda _: Strict())
    (complaint,) = run_goldens(plan, folder).complaints
    assert complaint == "a.input.ndjson: event 2 (Base Event: Other) is not valid OCSF: message: is `x`"


def test_samples_are_chosen_by_name(tmp_path: Path) -> None:
    """`matching` is a part of the file name."""
    (tmp_path / "samples").mkdir()
    for name in ("one.input.json", "two.input.xml", "two.expected.ndjson", "note.txt"):
        (tmp_path / "samples" / name).touch()
    place = tmp_path / "samples"
    assert samples_of(tmp_path, "two") == [Sample(place / "two.input.xml", place / "two.expected.ndjson")]
    assert len(samples_of(tmp_path)) == 2
