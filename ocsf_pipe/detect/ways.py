"""How each question is asked: of the rows that hold its literals, of every row by its texts, or of every row by DuckDB.

The first is for nearly all; the second for those whose texts repeat so much that asking costs little.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import polars as pl

from ocsf_pipe.detect.asks import Ask, Every, Literal, Look, Need, Question, Some, Text
from ocsf_pipe.detect.batches import Batch, Rows
from ocsf_pipe.detect.bulk import costs
from ocsf_pipe.detect.candidates import Search
from ocsf_pipe.detect.masks import Masks
from ocsf_pipe.detect.prefilter import Clause, cheapest
from ocsf_pipe.detect.reading import Everywhere, Found, Reading, Run
from ocsf_pipe.detect.sampling import Sample, sampled
from ocsf_pipe.detect.screens import Screened
from ocsf_pipe.ops.sql_text import text_literal

_AT_ONCE = 40
"""Conditions in one query over every row: DuckDB's time to plan grows faster than their number."""
_OFTEN = 0.3
"""The share of rows from which on literals lead to too many."""
_FEW = 8
"""Literals of one column that DuckDB looks for one by one."""
_ALSO = {"i": "\u0130", "k": "\u212a"}
"""Characters beyond ASCII whose lower case is a letter of ASCII."""
_SELDOM = 0.05
"""The share of rows up to which texts that repeat leave so few that no literal is needed."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The positions of questions by the way that they are asked; `whole` texts are read with all their places."""

    narrow: Mapping[int, Clause]
    whole: Collection[Text]
    swept: Sequence[int]
    wide: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Both:
    search: Search
    swept: Screened

    def found(self, batch: Batch) -> Iterator[tuple[int, Rows]]:
        yield from self.search.found(batch)
        yield from self.swept.found(batch)


def asked(
    connection: duckdb.DuckDBPyConnection, questions: Sequence[Question], relation: str, extra: Sequence[str] = ()
) -> Found:
    """Ask all questions, known by their positions, of every row of a relation."""
    return read(connection, chosen(connection, questions, relation, extra), [relation])


def chosen(
    connection: duckdb.DuckDBPyConnection, questions: Sequence[Question], relation: str, extra: Sequence[str] = ()
) -> list[Reading]:
    """The readings of a relation in which all questions, known by their positions, are asked."""
    needs = {i: one.need for i, one in enumerate(questions) if one.need is not None}
    sample = sampled(connection, relation, questions, needs.values())
    ways = _ways(questions, needs, sample)
    found = [_by_duckdb(questions, ways.wide[i : i + _AT_ONCE]) for i in range(0, len(ways.wide), _AT_ONCE)]
    if ways.narrow or ways.swept:
        found.append(_by_texts(questions, ways, sample))
    return [replace(one, extra=extra) for one in found]


def read(connection: duckdb.DuckDBPyConnection, readings: Sequence[Reading], relations: Iterable[str]) -> Found:
    """What the readings find in all rows of some relations; there is at least one reading."""
    runs = [Run(one) for one in readings]
    for relation in relations:
        for run in runs:
            run.read(connection, relation)
    return together([run.found() for run in runs])


def together(found: Sequence[Found]) -> Found:
    """What several readings gave."""
    seconds: dict[int, float] = {}
    for one in found:
        for rule, some in one.seconds.items():
            seconds[rule] = seconds.get(rule, 0.0) + some
    sure = pl.concat([one.sure for one in found], how="vertical_relaxed")
    return Found(sure, pl.concat([one.open for one in found]), seconds)


def _ways(questions: Sequence[Question], needs: Mapping[int, Need], sample: Sample) -> Ways:
    most = max(_OFTEN * sample.batch.size, 1)
    best = {i: cheapest(wanted, sample.cost) for i, wanted in needs.items()}
    narrow = {i: clause for i, clause in best.items() if sum(map(sample.cost, clause)) <= most}
    rest = [i for i in range(len(questions)) if i not in narrow]
    swept = [i for i in rest if _is_screened(questions[i].ask) or sample.share(questions[i].ask) < _SELDOM]
    whole: set[Text] = set()
    for i in sorted(needs.keys() - narrow.keys() - set(swept)):
        clause = cheapest(needs[i], sample.settled)
        if sum(map(sample.settled, clause)) <= most and all(one.text.whole or not one.open for one in clause):
            narrow[i] = clause
            whole |= {one.text for one in clause if one.open}
    return Ways(narrow, whole, swept, [i for i in rest if i not in swept and i not in narrow])


def _is_screened(ask: Ask) -> bool:
    """Whether regular expressions answer a question, or leave few rows of it."""
    match ask:
        case Look(tree=tree):
            return costs(tree)
        case Every(parts=parts):
            return any(map(_is_screened, parts))
        case Some(parts=parts):
            return bool(parts) and all(map(_is_screened, parts))
        case _:
            return False


def _by_duckdb(questions: Sequence[Question], positions: Sequence[int]) -> Reading:
    """DuckDB answers each as a whole."""
    wholly = {i: f"coalesce({questions[i].condition}, false)" for i in positions}
    return Reading(
        {i: Question.of(questions[i].rule, "", guard, Every(())) for i, guard in wholly.items()},
        Everywhere(positions),
        Masks(),
        (),
    )


def _by_texts(questions: Sequence[Question], ways: Ways, sample: Sample) -> Reading:
    masks = Masks(
        ways.whole, sample.repeating | {one.whole for one in ways.whole if one.whole and one.first in sample.repeating}
    )
    some = {i: replace(questions[i], condition="", need=None) for i in (*ways.narrow, *ways.swept)}
    looks = dict.fromkeys(masks.column(text) for one in some.values() for text in one.looks)
    hints = {literal: masks.column(literal.text) for clause in ways.narrow.values() for literal in clause}
    flags = _told({literal: sql for literal, sql in hints.items() if sql not in looks})
    columns = list(dict.fromkeys([*looks, *(sql for literal, sql in hints.items() if literal not in flags)]))
    search = Search.of(ways.narrow, hints, flags)

    def searched(text: Text) -> str | None:
        sql = masks.column(text)
        return None if sql in masks.repeating else sql

    screened = Screened.of({i: some[i] for i in ways.swept}, searched)
    return Reading(some, _Both(search, screened), masks, columns, list(search.told))


def _told(hints: Mapping[Literal, str]) -> dict[Literal, str]:
    """How DuckDB looks for the literals of columns that nothing else looks at, where they are few, as of documents."""
    some: dict[str, set[str]] = {}
    for literal, sql in hints.items():
        some.setdefault(sql, set()).add(literal.part)
    few = {sql for sql, parts in some.items() if len(parts) <= _FEW}
    return {
        literal: f"coalesce(regexp_matches({sql}, {text_literal(_folding(literal.part))}), {str(literal.open).lower()})"
        for literal, sql in hints.items()
        if sql in few
    }


def _folding(part: str) -> str:
    """A regular expression for texts that contain some text when in lower case."""
    return "".join(
        f"[{char}{char.upper()}{_ALSO.get(char, '')}]" if char.isascii() and char.isalpha() else re.escape(char)
        for char in part
    )
