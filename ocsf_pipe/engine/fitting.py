"""Which records of a batch go to the query without a parser, and what that query says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from ocsf_pipe.engine.fitted import LEAST, Fit, Skeletons
from ocsf_pipe.engine.query import Query, build_fitted_query, odd_keys_of
from ocsf_pipe.engine.skeleton import Places
from ocsf_pipe.pieces import joined, whole
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.source import Records

MOST_BITS = 62
"""Source paths of one rule that may be put back: each is a bit of a number."""
ENOUGH, TOO_FEW = 20_000, 0.3
"""After so many records, a smaller share of fitting ones is not worth the look at all."""


class Statement(Protocol):
    """A query that runs over tables of the same columns."""

    def run(self, table: pa.Table) -> pa.Table:
        """The result over one table."""


@dataclass(frozen=True, slots=True)
class Fits:
    """The records of one batch that fit."""

    skeletons: Skeletons
    query: Query
    blocks: Sequence[Fit]
    rows: Places
    records: int

    def others(self) -> pa.Array:
        """The rows that do not fit."""
        rest = np.ones(self.records, np.bool_)
        rest[self.rows] = False
        return pa.array(np.flatnonzero(rest))

    def events(self, statement: Statement, given: pa.Table) -> pa.Table:
        """The events of the fitting records, `unmapped` with them; `given` is the whole batch as the query reads it."""
        result = statement.run(pa.Table.from_batches([self._batch(fit, given) for fit in self.blocks]))
        return result.drop_columns(["kept"]).append_column("a:unmapped", self._left(result, given["rid"][0].as_py()))

    def _batch(self, fit: Fit, given: pa.Table) -> pa.RecordBatch:
        rows = fit.rows
        gapless = len(rows) == rows[-1] - rows[0] + 1
        part = given.slice(int(rows[0]), len(rows)) if gapless else given.take(pa.array(rows))
        arrays = {name: whole(part[name]) for name in part.column_names}
        names = [f"p:{number}" for number in self.query.cells]
        cells = self.skeletons.cells(fit, np.array(self.query.cells, np.int64)) if names else []
        return pa.RecordBatch.from_pydict({**arrays, **dict(zip(names, cells, strict=True))})

    def _left(self, result: pa.Table, at: int) -> pa.Array:
        """The `unmapped` of every event; `at` is the number of the batch's first record."""
        rid, route, kept = (result[name].to_numpy() for name in ("rid", "route", "kept"))
        ends = np.searchsorted(rid, [at + fit.rows[-1] for fit in self.blocks], "right")
        parts, start = [], 0
        for fit, end in zip(self.blocks, ends, strict=True):
            some = slice(start, end)
            of = np.searchsorted(fit.rows, rid[some] - at)
            parts.append(self.skeletons.left(fit, of, route[some], kept[some], self.query.back))
            start = end
        return joined(parts, pa.large_string()).cast(pa.string())  # in one piece, or all columns would be cut alike


class Fitting:
    """The fitting of one plan's records; what it has learned stays."""

    def __init__(self, plan: Plan, query: Query, least: int) -> None:
        """Know no skeleton yet; one is learned from `least` records."""
        self.query = query
        self._skeletons = Skeletons(plan, frozenset(odd_keys_of(plan)), least)
        self._seen = 0
        self.fitted = 0

    def fits(self, records: Records) -> Fits | None:
        """The records of a batch that fit; None where looking for them has turned out not to be worth it."""
        if self._seen > ENOUGH and self.fitted < TOO_FEW * self._seen:
            return None
        text = records.json if records.json is not None else records.raw
        if text.null_count or text.type != pa.large_string():
            return None
        blocks = list(self._skeletons.fits(text))
        rows = np.concatenate([fit.rows for fit in blocks]) if blocks else np.zeros(0, np.int64)
        self._seen += len(records)
        self.fitted += len(rows)
        return Fits(self._skeletons, self.query, blocks, rows, len(records))


def fitting(plan: Plan, least: int = LEAST) -> Fitting | None:
    """The fitting of a plan; None where its query cannot tell what is put back."""
    if not plan.shape.fields:
        return None
    query = build_fitted_query(plan)
    return None if any(len(back) > MOST_BITS for back in query.back) else Fitting(plan, query, least)
