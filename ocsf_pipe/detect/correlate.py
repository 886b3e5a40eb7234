"""Correlations: what happens often, together or in order, within a window that slides.

The window is looked at behind every event. A correlation fires where its condition becomes true: at the rising edge,
once for as long as it stays so. The events of all its rules are laid on one line of time for each group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from ocsf_pipe.detect.convert import Converter
from ocsf_pipe.detect.correlations import Both, Correlation, Either, Seen, Wanted, Without
from ocsf_pipe.detect.leaf import LeafSql
from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.states import ORDER, Judged, State
from ocsf_pipe.ops.sql_text import text_literal

NONE = "cast(null as varchar)"


@dataclass(slots=True)
class Correlator:
    """Runs correlations over the tables of a connection; `relation` is the SQL of a table within the time asked for."""

    connection: duckdb.DuckDBPyConnection
    rules: Sequence[Rule]
    converter: Converter
    relation: Callable[[str], str]
    done: dict[str, pa.Table] = field(default_factory=dict)

    def outcome(self, rule: Rule, judged: Sequence[Judged | None]) -> tuple[Judged, int, str | None]:
        """The state of a correlation, how often it fires, and what went wrong."""
        state = self.judged(rule, judged)
        if state.state == "blind":
            return state, 0, None
        try:
            return state, self.fires(rule).num_rows, None
        except duckdb.Error as error:
            return state, 0, str(error).splitlines()[0]

    def judged(self, rule: Rule, judged: Sequence[Judged | None]) -> Judged:
        """As good as the worst of the rules that it needs."""
        if rule.correlation is None:
            return Judged("blind", (rule.fault or "no correlation",))
        found = [(other, self._judged_one(other, judged)) for other in self.parts(rule.correlation)]
        worst: State = max((one.state for _, one in found), key=ORDER.index, default="blind")
        reasons = tuple(f"{other.title}: {reason}" for other, one in found for reason in one.reasons)
        return Judged(worst, reasons, tuple(dict.fromkeys(name for _, one in found for name in one.mappings)))

    def _judged_one(self, rule: Rule, judged: Sequence[Judged | None]) -> Judged:
        found = judged[next(i for i, one in enumerate(self.rules) if one is rule)]
        return found if found is not None else self.judged(rule, judged)

    def parts(self, correlation: Correlation) -> list[Rule]:
        """The rules of a correlation, in its order; those that are not loaded are left out."""
        return [rule for name in correlation.rules for rule in self.rules if name in {rule.id, rule.name}][
            : len(correlation.rules)
        ]

    def fires(self, rule: Rule) -> pa.Table:
        """The moments at which a correlation becomes true: `t` in milliseconds, and the fields that make groups."""
        if rule.id not in self.done:
            correlation = rule.correlation
            assert correlation is not None  # noqa: S101 - the callers ask correlations alone
            self.done[rule.id] = self.connection.sql(self.sql(correlation)).to_arrow_table()
        return self.done[rule.id]

    def sql(self, correlation: Correlation) -> str:
        """The query of a correlation."""
        groups = ", ".join(f"g{i}" for i in range(len(correlation.by)))
        line = " union all ".join(self.line(correlation)) or f"select 0 as r, 0 as t, '' as uid, {NONE} as v limit 0"
        partition = f"partition by {groups} " if groups else ""
        return windowed_sql(correlation, line, partition, groups)

    def line(self, correlation: Correlation) -> list[str]:
        """The events of every rule as rows: which rule, when, the fields of the group, the value looked at."""
        lines = []
        for position, rule in enumerate(self.parts(correlation)):
            if rule.correlation is not None:
                lines.append(self._of_correlation(correlation, position, rule))
                continue
            lines += self._of_rule(correlation, position, rule)
        return lines

    def _of_rule(self, correlation: Correlation, position: int, rule: Rule) -> list[str]:
        lines = []
        aliases = {alias: names[position] for alias, names in correlation.aliases}
        for part in self.converter.parts(rule):
            for segment in part.segments[:1]:
                leaf = LeafSql(self.converter.columns(segment))

                def text(name: str, leaf: LeafSql = leaf, segment: object = segment) -> str:
                    reading = self.converter.fields.reading(segment, aliases.get(name) or name)  # type: ignore[arg-type]
                    return leaf.value(reading)

                groups = "".join(f", {text(name)} as g{i}" for i, name in enumerate(correlation.by))
                value = " || chr(31) || ".join(text(name) for name in correlation.of) or NONE
                lines.append(
                    f'select {position} as r, "time" as t, "metadata"."uid" as uid{groups}, {value} as v '
                    f"from {self.relation(part.table)} where {part.condition}"
                )
        return lines

    def _of_correlation(self, correlation: Correlation, position: int, rule: Rule) -> str:
        """The moments at which an inner correlation fires, as events of the outer one."""
        inner = rule.correlation
        name = f"inner_{position}_{abs(hash(rule.id))}"
        self.connection.register(name, self.fires(rule))
        by = inner.by if inner is not None else ()
        aliases = {alias: names[position] for alias, names in correlation.aliases}
        groups = []
        for i, wanted in enumerate(correlation.by):
            own = aliases.get(wanted) or wanted
            groups.append(f", g{by.index(own)} as g{i}" if own in by else f", {NONE} as g{i}")
        return f"select {position} as r, t, {text_literal(rule.id)} as uid{''.join(groups)}, {NONE} as v from {name}"


def windowed_sql(correlation: Correlation, line: str, partition: str, groups: str) -> str:
    """The query over a line of events: the condition behind every event, and where it becomes true.

    A gap longer than the window ends what went before it, though no event stands in it to say so.
    """
    span = correlation.seconds * 1000
    known = " and ".join(f"{name} is not null" for name in groups.split(", ") if name) or "true"
    named = f"{groups}, " if groups else ""
    stages = _chain(correlation, partition) if correlation.kind == "temporal_ordered" else []
    stages.append(_measures(correlation, f"({partition}order by t range between {span} preceding and current row)"))
    ladder = [f"line as (select * from ({line}) where t is not null and {known})"]
    ladder += [f"s{n} as (select *, {stage} from {f's{n - 1}' if n else 'line'})" for n, stage in enumerate(stages)]
    return (
        f"with {', '.join(ladder)}, "
        f"moments as (select t, {named}bool_or({_condition(correlation, span)}) as met from s{len(stages) - 1} "
        f"group by t{f', {groups}' if groups else ''}), "
        f"edges as (select *, lag(met, 1, false) over w as before, lag(t) over w as last from moments "
        f"window w as ({partition}order by t)) "
        f"select t, {named}met from edges where met and not (before and t - last <= {span}) order by t"
    )


def _measures(correlation: Correlation, window: str) -> str:
    """The number of the window, as `m`; of a temporal correlation, which rules were seen in it."""
    number = "try_cast(v as double)"
    match correlation.kind:
        case "event_count":
            return f"count(*) over {window} as m"
        case "value_count":
            return f"len(list_distinct(list(v) filter (where v is not null) over {window})) as m"
        case "value_sum":
            return f"sum({number}) over {window} as m"
        case "value_avg":
            return f"avg({number}) over {window} as m"
        case "value_median":
            return f"median({number}) over {window} as m"
        case "value_percentile":
            return f"quantile_cont({number}, {correlation.percentile / 100}) over {window} as m"
        case _:
            rules = range(len(correlation.rules))
            return ", ".join(f"count(*) filter (where r = {i}) over {window} > 0 as seen{i}" for i in rules)


def _chain(correlation: Correlation, partition: str) -> list[str]:
    """For each rule, when the latest chain began that has come as far as this rule."""
    before = f"({partition}order by t range between unbounded preceding and current row)"
    begins = ["t", *(f"began{i}" for i in range(len(correlation.rules)))]
    return [
        f"max(case when r = {i} then {begins[i]} end) over {before} as began{i}" for i in range(len(correlation.rules))
    ]


def _condition(correlation: Correlation, span: int) -> str:
    if correlation.kind == "temporal_ordered":
        return f"coalesce(began{len(correlation.rules) - 1} >= t - {span}, false)"
    if correlation.wanted is not None:
        return _wanted_sql(correlation.wanted)
    if correlation.kind == "temporal":
        seen = " + ".join(f"seen{i}::int" for i in range(len(correlation.rules)))
        return f"{seen} {correlation.sign} {correlation.count}"
    return f"coalesce(m {correlation.sign} {correlation.count}, false)"


def _wanted_sql(wanted: Wanted) -> str:
    match wanted:
        case Seen(rule=rule):
            return f"seen{rule}"
        case Both(parts=parts):
            return "(" + " and ".join(map(_wanted_sql, parts)) + ")"
        case Either(parts=parts):
            return "(" + " or ".join(map(_wanted_sql, parts)) + ")"
        case Without(part=part):
            return f"(not {_wanted_sql(part)})"
