"""A record that the engine cannot map costs itself alone."""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pytest

from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.mapping import compile_text
from ocsf_pipe.ops import OPS, Op, Type
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.testing.near import as_records

MAPPING = """\
mapping: some.source
product: {vendor_name: Some, name: Source}
input: {format: json}
every: {time: at, message: upper(text)}
events:
  - class: base_event
    activity_id: 'Other'
    severity_id: 'Informational'
"""


@pytest.fixture
def plan() -> Plan:
    """A mapping whose message goes through the op `upper`."""
    return compile_text(MAPPING, "mappings/some/source/mapping.yaml")


def texts(words: list[str]) -> list[str]:
    """Records with these messages."""
    return [json.dumps({"at": "2026-01-01T00:00:00Z", "text": word}) for word in words]


def raise_for(monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    """Give `upper` a SQL form that raises for some texts."""
    broken: Op = OPS["upper"]
    real = Op.to_sql

    def to_sql(op: Op, args: Sequence[str], types: Sequence[Type]) -> str:
        return sql.format(args[0]) if op is broken else real(op, args, types)

    monkeypatch.setattr(Op, "to_sql", to_sql)


def test_a_record_for_which_the_query_raises_is_a_fault_and_the_others_are_mapped(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever in the batch such records stand, each is rejected with the engine's own words and its row."""
    raise_for(monkeypatch, "(cast(cast(nullif({0}, 'fine') as integer) as varchar))")
    words = ["fine"] * 40
    words[0] = words[17] = words[18] = words[39] = "poison"
    outcome = DuckEngine(plan).run(as_records(texts(words)), clock=5)
    assert [fault.row for fault in outcome.faults] == [0, 17, 18, 39]
    assert {fault.reason[:51] for fault in outcome.faults} == {"the engine cannot map the record: Conversion Error:"}
    assert outcome.written == 36
    assert outcome.tables["base_event"].num_rows == 36


def test_a_record_keeps_its_id_when_the_batch_is_halved(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ids of good records do not depend on whether a bad one was among them, with an origin for each record too."""
    records, origin = as_records(texts(["a", "b", "poison", "c"])), pa.array(["p", "q", "r", "s"])
    whole = DuckEngine(plan).run(records, clock=5, origin=origin).tables["base_event"]["metadata"].to_pylist()
    raise_for(monkeypatch, "(case when {0} = 'poison' then error('no') else {0} end)")
    halved = DuckEngine(plan).run(records, clock=5, origin=origin).tables["base_event"]["metadata"].to_pylist()
    assert [m["uid"] for m in halved] == [m["uid"] for i, m in enumerate(whole) if i != 2]


def test_a_query_that_is_wrong_itself_raises(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records are not blamed for a query that no record could pass."""
    raise_for(monkeypatch, "(upper({0}, 'no such argument'))")
    with pytest.raises(duckdb.Error):
        DuckEngine(plan).run(as_records(texts(["fine", "fine"])), clock=5)


def test_batches_that_are_mapped_together_are_told_apart_where_the_query_raises(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record at fault is told of by the batch that has it, by its row there."""
    raise_for(monkeypatch, "(cast(cast(nullif({0}, 'fine') as integer) as varchar))")
    runs = [as_records(texts(words)) for words in (["fine"] * 3, ["fine", "poison"], ["fine"])]
    first, second, third = DuckEngine(plan).run_each(runs, clock=5, origins=["a", "b", "c"])
    assert [fault.row for fault in second.faults] == [1]
    assert (first.faults, third.faults) == ([], [])
    assert [one.written for one in (first, second, third)] == [3, 1, 1]
