"""Batches that are mapped by one query come out as if each were mapped by itself."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.engine.engine import FEW, Engine
from ocsf_pipe.engine.outcome import Outcome
from ocsf_pipe.engine.parts import in_order, joined, parted, starts_of
from ocsf_pipe.source import Records
from ocsf_pipe.testing.agreement import CLOCK
from ocsf_pipe.testing.near import as_records
from ocsf_pipe.testing.sealing import sealed
from tests.engine.agreement_cases import engine, runs


def same(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes are equal, to the order of the rows."""
    assert (one.faults, one.dropped, one.failed, one.written) == (
        other.faults,
        other.dropped,
        other.failed,
        other.written,
    )
    assert one.tables.keys() == other.tables.keys()
    return all(plain(table) == plain(other.tables[name]) for name, table in one.tables.items())


def plain(table: pa.Table) -> list[dict[str, Any]]:
    """The rows; the members of `unmapped` have no order."""
    rows: list[dict[str, Any]] = table.to_pylist()
    return [{**row, "unmapped": json.loads(row.get("unmapped") or "null")} for row in rows]


def alike(mapping: str) -> list[list[Records]]:
    """The samples of a mapping, those together that have the same columns."""
    found: dict[object, list[Records]] = {}
    duck = engine(mapping)
    for run in runs(mapping):
        whole = sealed(duck.plan, duck.expand(run))
        names = None if whole.columns is None else tuple(whole.columns.column_names)
        found.setdefault((names, whole.json is None), []).append(whole)
    return list(found.values())


@pytest.mark.parametrize("mapping", ["aws/bedrock_invocation", "aws/cloudtrail", "aws/vpc_flow", "zeek/dns"])
def test_each_batch_comes_out_as_by_itself(mapping: str) -> None:
    """Every sample, mapped with the others and alone: documents, columns, several events a record, content."""
    duck = engine(mapping)
    for group in alike(mapping):
        origins = [f"p{number}" for number in range(len(group))]
        together = duck.run_each(group, clock=CLOCK, origins=origins)
        for run, origin, outcome in zip(group, origins, together, strict=True):
            assert same(outcome, duck.run(run, clock=CLOCK, origin=origin))


def test_a_batch_of_no_records_and_one_of_rejects_alone_are_batches_too() -> None:
    """They come out empty, where they stand."""
    duck = engine("zeek/dns")
    [run] = [run for run in runs("zeek/dns") if run.columns is None][:1]
    empty = Records(run.raw.slice(0, 0), run.position.slice(0, 0), run.sub.slice(0, 0), run.end)
    nothing = as_records(["{}", "[]"])
    first, second, third = duck.run_each([empty, nothing, run], clock=CLOCK, origins=["a", "b", "c"])
    assert (first.tables, first.faults, first.written) == ({}, [], 0)
    assert [fault.row for fault in second.faults] == [0, 1]
    assert same(third, duck.run(run, clock=CLOCK, origin="c"))


def test_few_records_are_interpreted_and_many_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by `run`: planning a query takes longer than interpreting a few records."""
    asked = []

    def told(_: DuckEngine, given: list[Records], **__: Any) -> list[Outcome]:
        asked.append(len(given))
        return [Outcome() for _ in given]

    monkeypatch.setattr(DuckEngine, "run_each", told)
    few, many = as_records(["{}"] * 3), as_records(["{}"] * FEW)
    fresh = Engine(engine("zeek/dns").plan)
    assert len(fresh.run_each([few, few], clock=CLOCK, origins=["a", "b"])) == 2
    assert asked == []
    fresh.run_each([few, many], clock=CLOCK, origins=["a", "b"])
    assert asked == [2]


def test_what_a_query_says_out_of_order_is_told_apart_all_the_same() -> None:
    """By the number of the record, whose events stay in their order."""
    parts = [as_records(["{}"] * 2), as_records([]), as_records(["{}"])]
    result = pa.table({"rid": [2, 0, 1, 0], "n": [7, 1, 3, 2]})
    found = [part.to_pydict() for part in parted(in_order(result), starts_of(parts))]
    assert found == [{"rid": [0, 0, 1], "n": [1, 2, 3]}, {"rid": [], "n": []}, {"rid": [0], "n": [7]}]
    assert len(joined(parts)) == 3
