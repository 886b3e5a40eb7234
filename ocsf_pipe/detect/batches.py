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

    def take(self, texts: pa.Array) -> Rows | None:
        """The number of each of some distinct texts, and of null; None where there are too many to remember."""
        if len(self.texts) + len(texts) > max(_MOST, 2 * len(self.texts)):
            return None
        numbers = np.zeros(len(texts) + 1, np.int64)
        for i, text in enumerate(texts.to_pylist()):
            number = self._numbers.get(text)
            if number is None:
                number = self._numbers[text] = len(self.texts)
                self.texts.append(text)
                self.lowers.append(lower_text(text))
            numbers[i] = number
        return numbers

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
    """One column of one batch: its distinct texts with a null behind them, and the number of each row's text.

    Where there is `repeating`, the numbers are those that texts have there.
    """

    texts: pl.Series
    numbers: Rows
    repeating: Repeating | None = None

    @staticmethod
    def of(values: pa.Array, repeating: Repeating | None = None) -> Column:
        """The column of some rows; `repeating` is not used where it has no place for so many texts."""
        encoded = values.dictionary_encode()
        there = encoded.dictionary
        numbers = encoded.indices.fill_null(len(there)).to_numpy(zero_copy_only=False).astype(np.int64)
        texts = series(there).extend(pl.Series([None], dtype=pl.String))
        known = repeating.take(there) if repeating is not None else None
        return Column(texts, numbers) if known is None else Column(texts, known[numbers], repeating)

    def answers(self, judge: Judge, key: int, rows: Rows) -> Answers:
        """What a condition says of the texts of some rows."""
        numbers = self.numbers[rows]
        if self.repeating is not None:
            return self.repeating.answers(judge, key, numbers)
        if judge.bulk is None or len(rows) <= _MANY:
            return self._each(judge, numbers)
        found = np.empty(len(self.texts), np.int8)
        asked = distinct(numbers, len(found))
        found[asked] = self._together(judge, judge.bulk, asked)
        return found[numbers]

    def _each(self, judge: Judge, numbers: Rows) -> Answers:
        lowers, texts = self.lowered.gather(numbers), self.texts.gather(numbers)
        return np.array(judge.of(lowers.to_list(), texts.to_list()), np.int8)

    def _together(self, judge: Judge, bulk: Bulk, numbers: Rows) -> Answers:
        """Ask all texts at once; those that have to be asked each are asked so."""
        found = np.full(len(numbers), judge.null, np.int8)
        kinds = self.kinds[numbers]
        there = np.flatnonzero(kinds == _PLAIN)
        found[there] = bulk(Texts(self.lowered, self.texts).of(numbers[there])) * np.int8(TRUE)
        apart = np.flatnonzero(kinds == _APART)
        if apart.size:
            found[apart] = self._each(judge, numbers[apart])
        return found

    def matching(self, pattern: str) -> Rows:
        """The rows whose texts may match a regular expression of polars; not of texts that repeat."""
        held = self.texts.str.contains(pattern).fill_null(value=True).to_numpy() | (self.kinds != _PLAIN)
        return np.flatnonzero(held[self.numbers])

    @cached_property
    def lowered(self) -> pl.Series:
        """The distinct texts in lower case."""
        return lowered(self.texts)

    @cached_property
    def kinds(self) -> Answers:
        """Whether a text is null, plain, or has characters of which polars and DuckDB think differently."""
        texts = self.texts
        apart = (texts.str.len_bytes() != texts.str.len_chars()) | texts.str.contains("\v", literal=True)
        found: Answers = apart.cast(pl.Int8).fill_null(_NULL).to_numpy()
        return found

    def rows_of(self, numbers: Rows) -> tuple[Rows, Rows]:
        """The rows of the texts of some numbers, and of each of these rows the place of its number."""
        order, starts, counts = self._order
        many = np.where(numbers < len(counts), counts[np.minimum(numbers, len(counts) - 1)], 0)
        before = np.cumsum(many) - many
        at = np.repeat(starts[np.minimum(numbers, len(counts) - 1)] - before, many) + np.arange(many.sum())
        return order[at], np.repeat(np.arange(len(numbers)), many)

    @cached_property
    def _order(self) -> tuple[Rows, Rows, Rows]:
        """The rows by their text's number, where those of each number start, and how many they are."""
        counts = np.bincount(self.numbers, minlength=1)
        small = self.numbers.astype(np.uint16 if len(counts) <= _SMALL else np.int64)
        return np.argsort(small, kind="stable"), np.cumsum(counts) - counts, counts


@dataclass(slots=True)
class Batch:
    """Some rows of a table: who they are, the columns that words look at, and the answers of DuckDB, by their SQL."""

    events: pl.DataFrame
    columns: dict[str, Column] = field(default_factory=dict)
    flags: dict[str, Answers] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many rows."""
        return self.events.height


def flag(values: pa.Array) -> Answers:
    """A column of booleans without nulls as answers."""
    found: Answers = values.cast(pa.int8()).to_numpy(zero_copy_only=False) * np.int8(TRUE)
    return found


def distinct(numbers: Rows, size: int) -> Rows:
    """Each of some numbers below a size once, in order."""
    there = np.zeros(size, np.bool_)
    there[numbers] = True
    return np.flatnonzero(there)


def frame(rows: pa.Table | pa.RecordBatch) -> pl.DataFrame:
    """Rows as polars has them."""
    found = pl.from_arrow(rows)
    assert isinstance(found, pl.DataFrame)  # noqa: S101 - for the types: a table becomes a frame
    return found


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
