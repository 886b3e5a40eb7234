"""A batch that the engine cannot map: the records at fault are found by halving it, the others are mapped.

Nothing that a plan may say should raise for a record; should one do so all the same, it costs that record alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import pyarrow as pa

from ocsf_pipe.engine.outcome import Fault, Outcome
from ocsf_pipe.source import Records

Run = Callable[[Records, int], Outcome]
"""Maps some records of the batch, of which the first is at that row; raises for a record that it cannot map."""

POISON = (duckdb.DataError, duckdb.InvalidInputException, duckdb.NotSupportedError, pa.ArrowInvalid)
"""What a value can bring about. Want of memory, an interruption or a query that is none is no fault of a record."""


def isolated(records: Records, run: Run, error: Exception) -> Outcome:
    """Map the records of a batch that raised `error`, one in quarantine for each that cannot be mapped.

    Raises `error` where the query cannot even map no records: then it is to blame itself.
    """
    try:
        run(part(records, 0, 0), 0)
    except POISON:
        raise error from None
    return joined(list(_halves(records, 0, run, error)))


def part(records: Records, start: int, stop: int) -> Records:
    """Some records of a run; its rejects stay behind."""
    count = stop - start
    return Records(
        raw=records.raw.slice(start, count),
        position=records.position.slice(start, count),
        sub=records.sub.slice(start, count),
        end=records.end,
        json=None if records.json is None else records.json.slice(start, count),
        columns=None if records.columns is None else records.columns.slice(start, count),
    )


def joined(parts: list[Outcome]) -> Outcome:
    """The outcomes of parts of a batch as one; rows are those of the batch already."""
    whole = Outcome()
    tables: dict[str, list[pa.Table]] = {}
    for outcome in parts:
        for name, table in outcome.tables.items():
            tables.setdefault(name, []).append(table)
        whole.faults += outcome.faults
        whole.dropped.update(outcome.dropped)
        whole.failed.update(outcome.failed)
        whole.written += outcome.written
    whole.tables = {name: pa.concat_tables(found) for name, found in tables.items()}
    return whole


def _halves(records: Records, at: int, run: Run, error: Exception) -> Iterator[Outcome]:
    """The outcomes of both halves of records that raised, each halved again where it raises."""
    if len(records) == 1:
        first = next(iter(str(error).splitlines()), "")
        yield Outcome(faults=[Fault(at, "", "", f"the engine cannot map the record: {first}")])
        return
    middle = len(records) // 2
    for start, stop in ((0, middle), (middle, len(records))):
        half = part(records, start, stop)
        try:
            yield run(half, at + start)
        except POISON as again:
            yield from _halves(half, at + start, run, again)
