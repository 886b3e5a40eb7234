"""The text columns of a batch, so that a condition is asked once of each distinct text where texts repeat."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa

from ocsf_pipe.detect.words import FALSE, TRUE, Judge
from ocsf_pipe.ops.letter_case import lower_text

Rows: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"
Answers: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int8]]"
Texts: TypeAlias = "list[str | None]"
_MOST = 50_000
"""Distinct texts that are remembered from batch to batch."""
_UNASKED = -1
_SCREENED = 1000
"""Rows from which on a regular expression is first searched for in all of them at once."""


class Repeating:
    """A column whose texts repeat: what is found out of a text holds for all batches. Number 0 is null."""

    def __init__(self) -> None:
        """Start with the null alone."""
        self.texts: Texts = [None]
        self.lowers: Texts = [None]
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
        if judge.screen is not None and len(rows) > _SCREENED:
            found = np.full(len(rows), FALSE, np.int8)
            left = screened(series(self.values).gather(rows), judge.screen)
            found[left] = self._each(judge, rows[left])
            return found
        return self._each(judge, rows)

    def _each(self, judge: Judge, rows: Rows) -> Answers:
        at, lowers, texts = rows.tolist(), self.lowers, self.texts
        return np.array(judge.of([lowers[i] for i in at], [texts[i] for i in at]), np.int8)

    @cached_property
    def texts(self) -> Texts:
        """Each row's text."""
        return series(self.values).to_list()

    @cached_property
    def lowers(self) -> Texts:
        """Each row's text in lower case."""
        return self.lowered.to_list()

    @cached_property
    def lowered(self) -> pl.Series:
        """The same as a series."""
        return lowered(series(self.values))

    @cached_property
    def order(self) -> tuple[Rows, Rows, Rows]:
        """The rows by their text's number, where those of each number start, and how many they are."""
        assert self.numbers is not None  # noqa: S101 - for the types: asked of repeating texts
        counts = np.bincount(self.numbers)
        return np.argsort(self.numbers, kind="stable"), np.cumsum(counts) - counts, counts


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


def screened(texts: pl.Series, pattern: str) -> Rows:
    """Which texts can match a regular expression: those that do as polars reads it, and those that it may read else.

    Polars knows classes of characters beyond ASCII, and the vertical tab as white space.
    """
    there = texts.str.contains(pattern, strict=False).fill_null(value=True)
    apart = (texts.str.len_bytes() != texts.str.len_chars()) | texts.str.contains("\v", literal=True)
    return np.flatnonzero((there | apart.fill_null(value=True)).to_numpy())


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
