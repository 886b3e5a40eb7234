"""One reading of a table, batch by batch, in which questions are asked of the rows that may answer them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from ocsf_pipe.detect.asks import Question
from ocsf_pipe.detect.batches import Batch, Column, Repeating, Rows, flag, frame
from ocsf_pipe.detect.masks import Mask, Masks
from ocsf_pipe.detect.words import OPEN, TRUE

ROWS = 200_000
EVENT = '"metadata"."uid"'


class Candidates(Protocol):
    """Where the rows come from that questions are asked of."""

    def found(self, batch: Batch) -> Iterator[tuple[int, Rows]]:
        """Yield positions of questions, each with rows, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a reading gave: events that satisfy a question for sure, those that it leaves open, and seconds by rule.

    `sure` has the columns question, row, uid, time, x0 …; `open` question and uid.
    """

    sure: pl.DataFrame
    open: pl.DataFrame
    seconds: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of some questions by their positions; `extra` is SQL of columns that fires carry.

    `flags` are conditions that the candidates want DuckDB to answer. `wholly`: rows are read with their documents, so
    that batches are smaller.
    """

    questions: Mapping[int, Question]
    candidates: Candidates
    masks: Masks
    columns: Sequence[str]
    flags: Sequence[str] = ()
    extra: Sequence[str] = ()
    wholly: bool = False


@dataclass(slots=True)
class Run:
    """What one process finds in a reading, part of a table by part, whose rows are counted from 0."""

    reading: Reading
    seconds: dict[int, float] = field(default_factory=dict)
    _shape: _Shape = field(init=False)
    _made: dict[int, Mask] = field(default_factory=dict)
    _sure: list[pl.DataFrame] = field(default_factory=list)
    _open: list[pl.DataFrame] = field(default_factory=list)
    _rows: int = 0

    def __post_init__(self) -> None:
        self._shape = _Shape.of(self.reading)

    def read(self, connection: duckdb.DuckDBPyConnection, relation: str) -> None:
        """Read all rows of a relation."""
        began, before = time.perf_counter(), sum(self.seconds.values())
        query = f"select {self._shape.names(self.reading.extra)} from {relation}"
        for rows in connection.sql(query).to_arrow_reader(ROWS // (8 if self.reading.wholly else 1)):
            batch = self._shape.batch(rows)
            fired, left = self._ask(batch)
            self._sure.append(_events(batch, fired, self._rows))
            self._open.append(_events(batch, left, self._rows).select("question", "uid"))
            self._rows += batch.size
        self._share(time.perf_counter() - began - (sum(self.seconds.values()) - before))

    def found(self) -> Found:
        """What was found so far."""
        nothing = _nothing(len(self.reading.extra))
        sure = pl.concat([nothing, *self._sure], how="vertical_relaxed")
        return Found(sure, pl.concat([nothing.select("question", "uid"), *self._open]), self.seconds)

    def _share(self, seconds: float) -> None:
        """What all questions share is spent by each alike."""
        for question in self.reading.questions.values():
            each = seconds / len(self.reading.questions)
            self.seconds[question.rule] = self.seconds.get(question.rule, 0.0) + each

    def _ask(self, batch: Batch) -> tuple[list[tuple[int, Rows]], list[tuple[int, Rows]]]:
        """The rows that satisfy each question, and those that it leaves open."""
        fired, left = [], []
        for position, rows in self.reading.candidates.found(batch):
            began = time.perf_counter()
            question = self.reading.questions[position]
            if position not in self._made:
                self._made[position] = self.reading.masks.mask(question.ask)
            some = rows[batch.flags[question.guard][rows] == TRUE]
            answers = self._made[position](batch, some)
            fired.append((position, some[answers == TRUE]))
            left.append((position, some[answers == OPEN]))
            took = time.perf_counter() - began
            self.seconds[question.rule] = self.seconds.get(question.rule, 0.0) + took
        return fired, left


@dataclass(frozen=True, slots=True)
class _Shape:
    """The columns of the batches of a reading, in the order of the query."""

    named: int
    columns: Sequence[str]
    flags: Sequence[str]
    repeating: Mapping[str, Repeating]

    @staticmethod
    def of(reading: Reading) -> _Shape:
        asked = (sql for one in reading.questions.values() for sql in _flags(one))
        answered = list(dict.fromkeys([*asked, *reading.flags]))
        known = {sql: Repeating() for sql in reading.columns if sql in reading.masks.repeating}
        return _Shape(2 + len(reading.extra), reading.columns, answered, known)

    def names(self, extra: Sequence[str]) -> str:
        named = [f"{EVENT} as uid", '"time"', *(f"{sql} as x{i}" for i, sql in enumerate(extra))]
        named += [f"{sql} as c{i}" for i, sql in enumerate(self.columns)]
        return ", ".join([*named, *(f"{sql} as f{i}" for i, sql in enumerate(self.flags))])

    def batch(self, rows: pa.RecordBatch) -> Batch:
        found = Batch(frame(rows.select(range(self.named))))
        for i, sql in enumerate(self.columns, self.named):
            found.columns[sql] = Column.of(rows.column(i), self.repeating.get(sql))
        for i, sql in enumerate(self.flags, self.named + len(self.columns)):
            found.flags[sql] = flag(rows.column(i))
        return found


def _events(batch: Batch, found: Sequence[tuple[int, Rows]], start: int) -> pl.DataFrame:
    """The events of some rows with the question that each answers; the batch's first row has the number `start`."""
    at = np.concatenate([np.zeros(0, np.int64), *(rows for _, rows in found)])
    questions = np.repeat(np.array([q for q, _ in found], np.int64), [len(rows) for _, rows in found])
    return batch.events[at].with_columns(question=pl.Series(questions), row=pl.Series(at + start))


def _nothing(extra: int) -> pl.DataFrame:
    more = {f"x{i}": pl.Null() for i in range(extra)}
    return pl.DataFrame(schema={"uid": pl.String, "time": pl.Int64, **more, "question": pl.Int64, "row": pl.Int64})


def _flags(question: Question) -> Iterator[str]:
    yield question.guard
    yield from question.flags


@dataclass(frozen=True, slots=True)
class Everywhere:
    """Every row, for each of some questions."""

    positions: Sequence[int]

    def found(self, batch: Batch) -> Iterator[tuple[int, Rows]]:
        """See `Candidates`."""
        for position in self.positions:
            yield position, np.arange(batch.size)


@dataclass(frozen=True, slots=True)
class Given:
    """The rows of events that are known: columns `question` and `uid`."""

    pairs: pl.DataFrame

    def found(self, batch: Batch) -> Iterator[tuple[int, Rows]]:
        """See `Candidates`."""
        uids = batch.events["uid"]
        at = pl.DataFrame({"uid": uids, "at": pl.int_range(len(uids), eager=True)})
        for (position,), rows in at.join(self.pairs, on="uid", nulls_equal=True).group_by("question"):
            yield int(str(position)), rows["at"].to_numpy()
