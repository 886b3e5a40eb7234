"""Many rules over one table: find the few rows that can satisfy a rule by its literals, then ask the rule's condition.

The table is read once, without what is large or seldom decides. Rows of which a rule says neither yes nor no by then
are read again with all that their rules look at; what no literal leads to is asked of every row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import polars as pl
import pyarrow as pa

from ocsf_pipe.carried import Carried
from ocsf_pipe.detect.asks import Question
from ocsf_pipe.detect.convert import Converter, Part
from ocsf_pipe.detect.leaf import LeafSql
from ocsf_pipe.detect.masks import Masks
from ocsf_pipe.detect.prefilter import need
from ocsf_pipe.detect.questions import Questioner
from ocsf_pipe.detect.reading import EVENT, Found, Given, Reading
from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.ways import asked, read
from ocsf_pipe.kept import kept

MANY = 50
"""Rules that are worth a file of their own."""
_FEW = "few_events"
_EVENT = ["question", "uid"]


@dataclass(frozen=True, slots=True)
class Asked(Carried):
    """What one part of a rule asks of every row: the number of the rule, which of its parts it is, and the question."""

    rule: int
    part: int
    question: Question


@dataclass(slots=True)
class Scan:
    """What rules ask of one table; `seconds` sums up by rule the time spent on it, and its share of what all share."""

    table: str
    rules: Sequence[Rule]
    converter: Converter
    asked: Sequence[Asked]
    seconds: dict[int, float] = field(default_factory=dict)
    _exactly: dict[tuple[int, int], Question] = field(default_factory=dict)

    def questions(self) -> list[Question]:
        """What is asked of every row."""
        return [one.question for one in self.asked]

    def exactly(self, position: int) -> Question:
        """What the part at a position asks of rows that are read as a whole."""
        one = self.asked[position]
        key = one.rule, one.part
        if key not in self._exactly:  # a scan is asked again in every round
            part = self.converter.parts(self.rules[one.rule])[one.part]
            self._exactly[key] = _question(one.rule, part, self.converter, exact=True)
        return self._exactly[key]

    def took(self, seconds: Mapping[int, float]) -> None:
        """Note the time spent on rules."""
        for rule, some in seconds.items():
            self.seconds[rule] = self.seconds.get(rule, 0.0) + some


def compiled(rules: Sequence[Rule], converter: Converter) -> dict[str, Scan]:
    """The scans of all tables that the rules read; a rule's number is its position.

    What many rules ask is kept for the next process, until rules, mappings or the tables' columns change.
    """
    if len(rules) < MANY:
        found = _compiled(rules, converter)
    else:
        told = [repr((rule.logsource, rule.tree)) for rule in rules]
        found = kept("scans", [*converter.told(), *told], lambda: _compiled(rules, converter))
    return {table: Scan(table, rules, converter, asked) for table, asked in found.items()}


def _compiled(rules: Sequence[Rule], converter: Converter) -> dict[str, list[Asked]]:
    found: dict[str, list[Asked]] = {}
    for number, rule in enumerate(rules):
        for place, part in enumerate(converter.parts(rule)):
            question = _question(number, part, converter, exact=False)
            found.setdefault(part.table, []).append(Asked(number, place, question))
    return found


def _question(rule: int, part: Part, converter: Converter, *, exact: bool) -> Question:
    segment = part.segments[0]
    leaf = LeafSql(converter.columns(segment))
    ask = Questioner(segment, converter.fields, leaf, exact).ask(part.tree)
    return Question.of(rule, part.condition, f"coalesce({part.guard}, false)", ask, need(ask))


def fires(connection: duckdb.DuckDBPyConnection, scan: Scan, relation: str, extra: Sequence[str] = ()) -> pa.Table:
    """Every event of `relation` that satisfies a rule: columns `rule`, `uid`, `time`, and the SQL of `extra` as `x0` ….

    A row stands once for each rule.
    """
    return settled(connection, scan, relation, asked(connection, scan.questions(), relation, extra), extra)


def settled(
    connection: duckdb.DuckDBPyConnection, scan: Scan, relation: str, found: Found, extra: Sequence[str] = ()
) -> pa.Table:
    """The fires of what was found, with what was left open decided by the whole rows. See `fires`."""
    scan.took(found.seconds)
    sure = found.sure
    if found.open.height:
        again = _again(scan, sure, found.open)
        left = sure.join(again, on=_EVENT, how="anti", nulls_equal=True)
        sure = pl.concat([left, _late(connection, scan, relation, again, extra).sure], how="diagonal_relaxed")
    rules = pl.Series([one.rule for one in scan.asked], dtype=pl.Int64)
    once = sure.with_columns(rule=rules.gather(sure["question"])).unique(["rule", "row", "uid"], maintain_order=True)
    return once.select("rule", "uid", "time", *(f"x{i}" for i in range(len(extra)))).to_arrow()


def _late(
    connection: duckdb.DuckDBPyConnection, scan: Scan, relation: str, again: pl.DataFrame, extra: Sequence[str]
) -> Found:
    """Read some events as a whole."""
    questions = {i: scan.exactly(i) for i in sorted(again["question"].unique().to_list())}
    columns = list(dict.fromkeys(text.first for one in questions.values() for text in one.looks))
    connection.register(_FEW, again.select("uid").unique().to_arrow())
    few = f"(from {relation} where exists (from {_FEW} where {_FEW}.uid is not distinct from {EVENT}))"
    try:
        found = read(connection, [Reading(questions, Given(again), Masks(), columns, extra=extra, wholly=True)], [few])
    finally:
        connection.unregister(_FEW)
    scan.took(found.seconds)
    return found


def _again(scan: Scan, sure: pl.DataFrame, left: pl.DataFrame) -> pl.DataFrame:
    """The questions and events that are asked anew: what is open, and the same rule's other parts on those events.

    Rows have other numbers in a second reading: all fires of a rule on one event come from the same one.
    """
    rules = pl.DataFrame({"question": range(len(scan.asked)), "rule": [one.rule for one in scan.asked]})
    left = left.select("question", "uid").join(rules, on="question")
    beside = sure.select("question", "uid").join(rules, on="question")
    beside = beside.join(left, on=["rule", "uid"], how="semi", nulls_equal=True)
    return pl.concat([left, beside]).select("question", "uid").unique()
