"""The text columns of a batch, so that a condition is asked once of each distinct text where texts repeat."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa

from ocsf_pipe.detect.bulk import Bulk, Texts
from ocsf_pipe.detect.words import TRUE, Judge
from ocsf_pipe.ops.letter_case import lower_text

Rows: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"
Answers: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int8]]"
_MOST = 50_000
"""Distinct texts that are remembered from batch to batch."""
_SMALL = 1 << 16
"""Numbers below it have 16 bits, which are sorted ten times as fast."""
_UNASKED = -1
_NULL, _PLAIN, _APART = -1, 0, 1
_MANY = 200
"""Rows from which on a condition is asked of all of them at once."""


class Repeating:
    """A column whose texts repeat: what is found out of a text holds for all batches. Number 0 is null."""

    def __init__(self) -> None:
        """Start with the null alone."""
        self.texts: list[str | None] = [None]
        self.lowers: list[str | None] = [None]
        self._numbers: dict[str, int] = {}
        self._answers: dict[int, Answers] = {}

    def take(self, values: pa.Array) -> Rows | None:
        """The number of each row's text; None where there are too many texts to remember."""
        encoded = values.dictionary_encode()
        there = encoded.dictionary.to_pylist()
        if len(self.texts) + len(there) > max(_MOST, 2 * len(self.texts)):
            return None
        numbers = np.zeros(len(there) + 1, np.int64)
        for i, text in enumerate(there):
            number = self._numbers.get(text)
            if number is None:
                number = self._numbers[text] = len(self.texts)
                self.texts.append(text)
                self.lowers.append(lower_text(text))
            numbers[i] = number
        found: Rows = numbers[encoded.indices.fill_null(len(there)).to_numpy(zero_copy_only=False)]
        return found

    def answers(self, judge: Judge, key: int, numbers: Rows) -> Answers:
        """What a condition, known by its key, says of the texts of some numbers."""
        known = self._answers.get(key)
        if known is None or len(known) < len(self.texts):
            grown = np.full(len(self.texts) + 256, _UNASKED, np.int8)
            if known is not None:
                grown[: len(known)] = known
            known = self._answers[key] = grown
        found = known[numbers]
        unasked = numbers[found == _UNASKED]
        if unasked.size:
            fresh = distinct(unasked, len(self.texts))
            at = fresh.tolist()
            known[fresh] = judge.of([self.lowers[i] for i in at], [self.texts[i] for i in at])
            found = known[numbers]
        return found


@dataclass
class Column:
    """One column of one batch; `numbers` are those of its texts in `repeating`, None where texts hardly repeat."""

    values: pa.Array
    repeating: Repeating | None = None
    numbers: Rows | None = None

    def answers(self, judge: Judge, key: int, rows: Rows) -> Answers:
        """What a condition says of the texts of some rows."""
        if self.numbers is not None and self.repeating is not None:
            return self.repeating.answers(judge, key, self.numbers[rows])
        if judge.bulk is not None and len(rows) > _MANY:
            return self._together(judge, judge.bulk, rows)
        return self._each(judge, rows)

    def _each(self, judge: Judge, rows: Rows) -> Answers:
        lowers, texts = self.lowered.gather(rows), self.texts.gather(rows)
        return np.array(judge.of(lowers.to_list(), texts.to_list()), np.int8)

    def _together(self, judge: Judge, bulk: Bulk, rows: Rows) -> Answers:
        """Ask all rows at once; texts that have to be asked each are asked so."""
        found = np.full(len(rows), judge.null, np.int8)
        kinds = self.kinds[rows]
        there = np.flatnonzero(kinds == _PLAIN)
        found[there] = bulk(Texts(self.lowered, self.texts).of(rows[there])) * np.int8(TRUE)
        apart = np.flatnonzero(kinds == _APART)
        if apart.size:
            found[apart] = self._each(judge, rows[apart])
        return found

    @cached_property
    def texts(self) -> pl.Series:
        """Each row's text."""
        return series(self.values)

    @cached_property
    def lowered(self) -> pl.Series:
        """Each row's text in lower case."""
        return lowered(self.texts)

    @cached_property
    def kinds(self) -> Answers:
        """Whether each row's text is null, plain, or has characters of which polars and DuckDB think differently."""
        texts = self.texts
        apart = (texts.str.len_bytes() != texts.str.len_chars()) | texts.str.contains("\v", literal=True)
        found: Answers = apart.cast(pl.Int8).fill_null(_NULL).to_numpy()
        return found

    @cached_property
    def order(self) -> tuple[Rows, Rows, Rows]:
        """The rows by their text's number, where those of each number start, and how many they are."""
        assert self.numbers is not None  # noqa: S101 - for the types: asked of repeating texts
        counts = np.bincount(self.numbers)
        small = self.numbers.astype(np.uint16 if len(counts) <= _SMALL else np.int64)
        return np.argsort(small, kind="stable"), np.cumsum(counts) - counts, counts


@dataclass(slots=True)
class Batch:
    """Some rows of a table: who they are, the columns that words look at, and the answers of DuckDB, by their SQL."""

    events: pa.Table
    columns: dict[str, Column] = field(default_factory=dict)
    flags: dict[str, Answers] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many rows."""
        return int(self.events.num_rows)


def flag(values: pa.Array) -> Answers:
    """A column of booleans without nulls as answers."""
    found: Answers = values.cast(pa.int8()).to_numpy(zero_copy_only=False) * np.int8(TRUE)
    return found


def distinct(numbers: Rows, size: int) -> Rows:
    """Each of some numbers below a size once, in order."""
    there = np.zeros(size, np.bool_)
    there[numbers] = True
    return np.flatnonzero(there)


def series(values: pa.Array) -> pl.Series:
    """A column of texts as polars has it."""
    found = pl.from_arrow(values)
    assert isinstance(found, pl.Series)  # noqa: S101 - for the types: a column becomes a series
    return found.cast(pl.String)


def lowered(texts: pl.Series) -> pl.Series:
    """The texts in lower case as DuckDB has it, which beyond ASCII is not as polars has it."""
    lower = texts.str.to_lowercase()
    beyond = (texts.str.len_bytes() != texts.str.len_chars()).fill_null(value=False)
    if not beyond.any():
        return lower
    own = pl.Series([lower_text(text) for text in texts.filter(beyond).to_list()], dtype=pl.String)
    place = (beyond.cast(pl.Int64).cum_sum() - 1).clip(lower_bound=0)
    return own.gather(place).zip_with(beyond, lower)
