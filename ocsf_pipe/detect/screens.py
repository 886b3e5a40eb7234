"""Questions that regular expressions answer: asked of the rows alone whose text matches any of all these expressions.

To search a text for all of them at once costs as much as for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ocsf_pipe.detect.asks import Ask, Every, Look, Question, Some, Text
from ocsf_pipe.detect.batches import Batch, Rows
from ocsf_pipe.detect.bulk import either, screen

Screen: TypeAlias = tuple[str, str]
"""The SQL of a column, and a regular expression that its text matches wherever a condition may hold."""


@dataclass(frozen=True, slots=True)
class Screened:
    """Every row for some questions; for those with a column, the rows alone that its pattern leaves."""

    columns: Mapping[int, str | None]
    patterns: Mapping[str, str]

    @staticmethod
    def of(questions: Mapping[int, Question], column: Callable[[Text], str | None]) -> Screened:
        """Screen questions by their positions; `column` is the SQL of a text's column, None where none is."""
        found = {i: _screen(one.ask, column) for i, one in questions.items()}
        some: dict[str, list[str]] = {}
        for sql, pattern in filter(None, found.values()):
            some.setdefault(sql, []).append(pattern)
        patterns = {sql: whole for sql, each in some.items() if (whole := either(each)) is not None}
        return Screened({i: one[0] if one and one[0] in patterns else None for i, one in found.items()}, patterns)

    def found(self, batch: Batch) -> Iterator[tuple[int, Rows]]:
        """See `Candidates`."""
        rows = {sql: batch.columns[sql].matching(pattern) for sql, pattern in self.patterns.items()}
        for position, sql in self.columns.items():
            yield position, np.arange(batch.size) if sql is None else rows[sql]


def _screen(ask: Ask, column: Callable[[Text], str | None]) -> Screen | None:
    match ask:
        case Look(text=text, tree=tree):
            sql, pattern = column(text), screen(tree)
            return None if sql is None or pattern is None else (sql, pattern)
        case Every(parts=parts):
            return next((one for part in parts if (one := _screen(part, column)) is not None), None)
        case Some(parts=parts):
            return _any([_screen(part, column) for part in parts])
        case _:
            return None


def _any(screens: Sequence[Screen | None]) -> Screen | None:
    there = [one for one in screens if one is not None]
    pattern = either([pattern for _, pattern in there])
    if len(there) < len(screens) or len({sql for sql, _ in there}) != 1 or pattern is None:
        return None
    return there[0][0], pattern
