"""What the first rows of a table say of it: how often literals are there, which texts repeat, which are null."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import polars as pl

from ocsf_pipe.detect.asks import Ask, Every, Later, Literal, Look, Need, Question, Some, Unless
from ocsf_pipe.detect.batches import Batch, Column, flag, frame
from ocsf_pipe.detect.masks import Masks
from ocsf_pipe.detect.prefilter import literals
from ocsf_pipe.detect.words import FALSE

ROWS = 4000
_REPEATS = 0.6
"""Distinct texts for each row, up to which a column is one whose texts repeat."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows that a guard holds for: in how many a text holds a literal, or is null, and SQL of texts that repeat."""

    batch: Batch
    hits: dict[tuple[str, str], int] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)
    repeating: set[str] = field(default_factory=set)

    def cost(self, literal: Literal) -> float:
        """How many rows a literal leads to."""
        return self.settled(literal) + (self.nulls.get(literal.text.first, 0) if literal.open else 0)

    def settled(self, literal: Literal) -> float:
        """How many rows a literal leads to where nulls are none of them."""
        return self.hits.get((literal.text.first, literal.part), 0)

    def share(self, ask: Ask) -> float:
        """The share of rows that a condition may hold for, as far as texts that repeat can tell."""
        rows = np.arange(self.batch.size)
        answers = Masks().mask(_cheap(ask, self.repeating))(self.batch, rows)
        return float(np.count_nonzero(answers != FALSE)) / max(len(rows), 1)


def sampled(
    connection: duckdb.DuckDBPyConnection, relation: str, questions: Sequence[Question], needs: Iterable[Need]
) -> Sample:
    """Look at those of the first rows of the relation that a guard holds for."""
    needed = {one for some in needs for one in literals(some)}
    looks = (text for one in questions for text in one.looks)
    firsts = list(dict.fromkeys(text.first for text in (*looks, *(one.text for one in needed))))
    answered = list(dict.fromkeys(sql for one in questions for sql in one.flags))
    names = ["true as there", *(f"{sql} as c{i}" for i, sql in enumerate([*firsts, *answered]))]
    guard = " or ".join(dict.fromkeys(one.guard for one in questions)) or "true"
    query = f"select {', '.join(names)} from (from {relation} limit {ROWS}) where {guard}"
    rows = connection.sql(query).to_arrow_table().combine_chunks()
    found = Sample(Batch(frame(rows.select(["there"]))))
    wanted: dict[str, set[str]] = {}
    for literal in needed:
        wanted.setdefault(literal.text.first, set()).add(literal.part)
    for i, sql in enumerate(firsts, 1):
        found.batch.columns[sql] = Column.of(rows.column(i).combine_chunks())
        _look(found, sql, sorted(wanted.get(sql, ())))
    for i, sql in enumerate(answered, 1 + len(firsts)):
        found.batch.flags[sql] = flag(rows.column(i).combine_chunks())
    return found


def _look(found: Sample, sql: str, wanted: list[str]) -> None:
    column = found.batch.columns[sql]
    *each, nulls = np.bincount(column.numbers, minlength=len(column.texts)).tolist()
    found.nulls[sql] = nulls
    if len(each) <= _REPEATS * sum(each):
        found.repeating.add(sql)
    if not wanted:
        return
    hits = column.lowered[:-1].str.extract_many(wanted, overlapping=True).list.unique()
    held = pl.DataFrame({"literal": hits, "rows": pl.Series(each, dtype=pl.Int64)})
    held = held.explode("literal").drop_nulls("literal")
    for literal, number in held.group_by("literal").agg(pl.col("rows").sum()).iter_rows():
        found.hits[sql, literal] = number


def _cheap(ask: Ask, repeating: set[str]) -> Ask:
    """The condition with what texts that repeat do not tell left open."""
    match ask:
        case Look(text=text):
            return ask if text.first in repeating else Later()
        case Unless(part=part):
            return Unless(_cheap(part, repeating))
        case Every(parts=parts):
            return Every(tuple(_cheap(part, repeating) for part in parts))
        case Some(parts=parts):
            return Some(tuple(_cheap(part, repeating) for part in parts))
        case _:
            return ask
