"""Rules that are asked again and again, of what is new in the tables of a lake.

A connection shows each table, and as `_new_TABLE` those of its rows that nobody has been asked of. A rule over single
events is asked of the new ones alone. A rule over windows (a correlation, SQL, a threshold) is asked of every event
that can stand in one window with a new one, however late that came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from ocsf_pipe.detect.asking import Asker, schemas_of
from ocsf_pipe.detect.backtest import tables_of
from ocsf_pipe.detect.bursts import bursts
from ocsf_pipe.detect.convert import Converter
from ocsf_pipe.detect.correlate import Correlator
from ocsf_pipe.detect.fieldmap import FieldMap
from ocsf_pipe.detect.firing import Firing
from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.scan import Scan, compiled, fires
from ocsf_pipe.detect.states import judge
from ocsf_pipe.ops.sql_text import name_text
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.schema import Schema

HOUR = 3_600_000
_MOST_SPANS = 4
"""More stretches of time than this are asked as one: a lake that was never asked is one long question."""
NEW = "_new_"
Problem = Callable[[Rule, str], None]
"""Called with a rule that could not be asked, and why; the others are."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in epoch ms, both ends included."""

    first: int
    last: int


@dataclass(slots=True)
class Watch:
    """Rules with what they were compiled to; all are known to each other, those that can fire are asked."""

    rules: Sequence[Rule]
    plans: Sequence[Plan]
    schema: Schema
    problem: Problem = lambda _rule, _why: None
    able: tuple[int, ...] = ()
    _fields: FieldMap = field(init=False)
    _scans: dict[tuple[object, ...], dict[str, Scan]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Judge the rules: one that is blind by itself, or switched off, is never asked."""
        self._fields = FieldMap(self.plans)
        converter = Converter(self._fields, None, self.schema)
        correlator = Correlator(duckdb.connect(), self.rules, converter, name_text)
        judged = [judge(rule, converter) if rule.correlation is None else None for rule in self.rules]
        able = []
        for i, rule in enumerate(self.rules):
            state = judged[i] or correlator.judged(rule, judged)
            if state.state == "blind":
                self.problem(rule, "; ".join(state.reasons))
            elif rule.shown and rule.settings.enabled:
                able.append(i)
        self.able = tuple(able)

    def reads(self, number: int) -> set[str]:
        """The tables that a rule looks at."""
        return self._reads(self.rules[number])

    def _reads(self, rule: Rule) -> set[str]:
        if rule.query is not None:
            return set(rule.query.reads)
        if rule.correlation is not None:
            parts = Correlator(duckdb.connect(), self.rules, Converter(self._fields), name_text).parts(rule.correlation)
            return {table for part in parts for table in self._reads(part)}
        return {segment.table for segment in self._fields.segments(rule.logsource)}

    def is_single(self, number: int) -> bool:
        """Whether a rule is about single events, so that new events say all that there is to know."""
        rule = self.rules[number]
        return rule.tree is not None and rule.settings.threshold == 1

    def fires(self, connection: duckdb.DuckDBPyConnection, numbers: Iterable[int]) -> list[Firing]:
        """What these rules find in what is new."""
        asked = _Asked(self, connection, Converter(self._fields, tables_of(connection), self.schema))
        singles = [i for i in numbers if self.is_single(i)]
        found = list(asked.singles(singles, lambda table: f"main.{name_text(NEW + table)}"))
        for i in numbers:
            if i not in singles:
                found += asked.windowed(i)
        return found

    def scans(self, numbers: Sequence[int], converter: Converter) -> dict[str, Scan]:
        """The compiled rules; kept for as long as the tables have the same columns."""
        columns = frozenset((name, frozenset(paths.items())) for name, paths in (converter.tables or {}).items())
        key = (tuple(numbers), columns)
        if key not in self._scans:
            if len(self._scans) > len(self.rules) + 8:
                self._scans.clear()
            self._scans[key] = compiled([self.rules[i] for i in numbers], converter)
        return self._scans[key]


@dataclass(slots=True)
class _Asked:
    """One round over one connection."""

    watch: Watch
    connection: duckdb.DuckDBPyConnection
    converter: Converter
    schemas: Mapping[str, pa.Schema] = field(init=False)

    def __post_init__(self) -> None:
        self.schemas = schemas_of(self.connection)

    def singles(self, numbers: Sequence[int], relation: Callable[[str], str]) -> Iterator[Firing]:
        """The fires of rules over single events, of the rows of a relation for each table."""
        for table, scan in self.watch.scans(numbers, self.converter).items():
            for row in self._scanned(scan, numbers, relation(table)):
                rule = self.watch.rules[numbers[row["rule"]]]
                yield Firing(rule, int(row["time"] or 0), (row["uid"],), row["uid"])

    def _scanned(self, scan: Scan, numbers: Sequence[int], relation: str) -> Iterator[Mapping[str, Any]]:
        """The fires of a scan; where one rule cannot be asked, it alone is left out."""
        try:
            yield from fires(self.connection, scan, relation).to_pylist()
        except duckdb.Error as error:
            if len(scan.asked) == 1:
                self.watch.problem(self.watch.rules[numbers[scan.asked[0].rule]], str(error).splitlines()[0])
                return
            half = len(scan.asked) // 2
            for part in (scan.asked[:half], scan.asked[half:]):
                yield from self._scanned(replace(scan, asked=part), numbers, relation)

    def windowed(self, number: int) -> list[Firing]:
        """The fires of a rule over windows, around everything new that it looks at."""
        rule = self.watch.rules[number]
        reach = reach_of(rule, self.watch.rules)
        found: list[Firing] = []
        try:
            for span in self._spans(self.watch.reads(number), reach):
                found += self._within(rule, number, span, reach)
        except (duckdb.Error, ValueError) as error:
            self.watch.problem(rule, str(error).splitlines()[0])
        return found

    def _within(self, rule: Rule, number: int, span: Span, reach: int) -> Iterable[Firing]:
        if rule.query is not None:
            asker = Asker(self.connection, self.watch.schema, self.schemas)
            return asker.fires(rule, span.first, span.last + reach + 1)
        bounded = partial(_between, first=span.first - 2 * reach, last=span.last + reach)
        if rule.correlation is not None:
            correlator = Correlator(self.connection, self.watch.rules, self.converter, bounded)
            return [one for one in bursts(correlator, rule) if span.first <= one.time <= span.last + reach]
        return self.singles([number], bounded)

    def _spans(self, tables: Iterable[str], reach: int) -> list[Span]:
        """When the new events of some tables were: stretches that no window spans the gaps of."""
        hours = []
        for table in tables:
            if NEW + table in self.names():
                query = f'select min("time"), max("time") from {name_text(NEW + table)} group by "time" // {HOUR}'
                hours += [row for row in self.connection.execute(query).fetchall() if row[0] is not None]
        spans: list[Span] = []
        for first, last in sorted(hours):
            if spans and first - spans[-1].last <= 2 * reach + HOUR:
                spans[-1] = Span(spans[-1].first, max(last, spans[-1].last))
            else:
                spans.append(Span(first, last))
        return spans if len(spans) <= _MOST_SPANS else [Span(spans[0].first, spans[-1].last)]

    def names(self) -> set[str]:
        """The names of all views."""
        query = "select table_name from information_schema.tables"
        return {row[0] for row in self.connection.execute(query).fetchall()}


def _between(table: str, first: int, last: int) -> str:
    return f'(from main.{name_text(table)} where "time" between {first} and {last})'


def reach_of(rule: Rule, rules: Sequence[Rule]) -> int:
    """Milliseconds from an event to the last moment at which it can make the rule fire."""
    if rule.query is not None:
        return int(rule.settings.lookback * 1000)
    if rule.correlation is None:
        return int(rule.settings.window * 1000)
    inner = [reach_of(one, rules) for one in rules if {one.id, one.name} & set(rule.correlation.rules)]
    return rule.correlation.seconds * 1000 + max((one for one in inner if one), default=0)
