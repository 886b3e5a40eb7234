"""Which rows of a batch hold which rule's literals: one multi-pattern pass per column, over distinct texts if few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ocsf_pipe.detect.asks import Literal
from ocsf_pipe.detect.batches import Batch, Column, Repeating, Rows
from ocsf_pipe.detect.prefilter import Clause

Pairs = tuple[Rows, Rows]
"""Positions of questions, and for each the number of a row or of a text."""
_NONE = np.zeros(0, np.int64)


@dataclass(slots=True)
class Wanted:
    """The literals that are looked for in one column, with the questions that wait for them.

    `nulls` are questions to which a null is as good as a literal.
    """

    literals: pl.DataFrame
    nulls: Rows
    known: Pairs = (_NONE, _NONE)
    searched: int = 1

    def pairs(self, column: Column) -> Pairs:
        """Questions and the rows that they are to be asked of."""
        questions, numbers = self._found(column) if column.repeating is None else self._known(column.repeating)
        rows, at = column.rows_of(numbers)
        return questions[at], rows

    def _found(self, column: Column) -> Pairs:
        """Questions and the numbers of texts that they are to be asked of; null has the last."""
        questions, numbers = self._hits(column.lowered)
        nulls = np.full(self.nulls.size, len(column.texts) - 1, np.int64)
        return np.concatenate([questions, self.nulls]), np.concatenate([numbers, nulls])

    def _known(self, repeating: Repeating) -> Pairs:
        """The same of all texts so far: those that no batch had before are searched."""
        if self.searched == 1:
            self.known = self.nulls, np.zeros(self.nulls.size, np.int64)
        questions, numbers = self._hits(pl.Series(repeating.lowers[self.searched :], dtype=pl.String))
        self.known = (
            np.concatenate([self.known[0], questions]),
            np.concatenate([self.known[1], numbers + self.searched]),
        )
        self.searched = len(repeating.lowers)
        return self.known

    def _hits(self, lowers: pl.Series) -> Pairs:
        found = lowers.str.extract_many(self.literals["literal"].unique().implode(), overlapping=True)
        frame = pl.DataFrame({"at": pl.int_range(len(lowers), eager=True), "literal": found})
        frame = frame.filter(pl.col("literal").list.len() > 0).explode("literal").join(self.literals, on="literal")
        return frame["question"].to_numpy(), frame["at"].to_numpy()


@dataclass(frozen=True, slots=True)
class Search:
    """Looks for the literals of some questions, each known by its position, in columns named by their SQL.

    `told` are conditions that DuckDB answers, with the questions that are to be asked where they hold.
    """

    wanted: Mapping[str, Wanted]
    told: Mapping[str, Sequence[int]]

    @staticmethod
    def of(clauses: Mapping[int, Clause], columns: Mapping[Literal, str], flags: Mapping[Literal, str]) -> Search:
        """The search for clauses; `columns` names a literal's column, `flags` the condition that answers it instead."""
        rows: dict[str, list[tuple[str, int]]] = {}
        nulls: dict[str, set[int]] = {}
        told: dict[str, list[int]] = {}
        for position, clause in clauses.items():
            for literal in clause:
                if literal in flags:
                    told.setdefault(flags[literal], []).append(position)
                    continue
                rows.setdefault(columns[literal], []).append((literal.part, position))
                if literal.open:
                    nulls.setdefault(columns[literal], set()).add(position)
        return Search({sql: _wanted(found, sorted(nulls.get(sql, ()))) for sql, found in rows.items()}, told)

    def found(self, batch: Batch) -> Iterator[tuple[int, Rows]]:
        """Yield each question with the rows that hold one of its literals, in order."""
        pairs = [wanted.pairs(batch.columns[sql]) for sql, wanted in self.wanted.items()]
        pairs += [_every(positions, np.flatnonzero(batch.flags[sql])) for sql, positions in self.told.items()]
        if not pairs:
            return
        keys = np.concatenate([questions.astype(np.int64) * batch.size + rows for questions, rows in pairs])
        if not keys.size:
            return
        keys.sort()
        keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
        questions, rows = np.divmod(keys, batch.size)
        cuts = np.flatnonzero(questions[1:] != questions[:-1]) + 1
        firsts = np.concatenate([[0], cuts])
        for first, last in zip(firsts.tolist(), [*cuts.tolist(), len(rows)], strict=True):
            yield int(questions[first]), rows[first:last]


def _every(questions: Sequence[int] | Rows, rows: Rows) -> Pairs:
    """Each question with all of some rows."""
    return np.repeat(np.asarray(questions, np.int64), rows.size), np.tile(rows, len(questions))


def _wanted(rows: Sequence[tuple[str, int]], nulls: Sequence[int]) -> Wanted:
    frame = pl.DataFrame(rows, schema={"literal": pl.String, "question": pl.Int64}, orient="row").unique()
    return Wanted(frame, np.array(nulls, np.int64))
