"""Which systems say nothing: those of the inventory without events, and those with events that it does not name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ocsf_pipe.evidence.filled import Filled, filled_test
from ocsf_pipe.evidence.inventory import System
from ocsf_pipe.ops.sql_text import name_text, text_literal

_MARKS = ("ai_model.name", "message_context.uid", "message_context.application.name", "ai_agent.uid", "ai_agent.name")
"""What an event of an AI source has at least one of, in some event."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a system said in the period: events, days with events, first and last (epoch ms, None without any).

    `quiet` is the longest time without an event between the period's start, its events and its end, in ms.
    """

    system: System
    events: int
    days: int
    first: int | None
    last: int | None
    quiet: int

    @property
    def silent(self) -> bool:
        """Whether it said nothing, or was quiet for longer than it may be."""
        return self.events == 0 or (self.system.within is not None and self.quiet > self.system.within * 1000)


@dataclass(frozen=True, slots=True)
class Unnamed:
    """An application with AI events that no system of the inventory matches."""

    source: str
    application: str
    events: int


def ai_sources(filled: Filled, systems: Sequence[System]) -> list[str]:
    """Return the sources whose events are evidence: those of the systems, and all that name a model or conversation."""
    found = {value for system in systems for name, values in system.match if name == "source" for value in values}
    for table in filled.columns:
        shares = filled.count([f"{table}.{mark}" for mark in _MARKS])
        found |= {share.source for several in shares.values() for share in several if share.filled}
    return sorted(found)


def heard(filled: Filled, system: System) -> Heard:
    """Return what a system said within the period of `filled`."""
    spans = [sql for table in filled.columns if (sql := _matched(filled, table, system.match)) is not None]
    if not spans:
        return Heard(system, 0, 0, None, None, _length(filled))
    begin, end = filled.since or 0, filled.until or 0
    sql = f"""
        with events as ({" union all ".join(spans)}),
        marks as (select time from events union all select {begin} union all select {end}),
        gaps as (select time - lag(time) over (order by time) as gap from marks)
        select count(*), count(distinct time // 86400000), min(time), max(time), (select max(gap) from gaps) from events
    """
    events, days, first, last, quiet = (column[0].as_py() for column in filled.ask(sql).columns)
    return Heard(system, events, days, first, last, quiet or 0)


def unnamed(filled: Filled, sources: Sequence[str], systems: Sequence[System]) -> list[Unnamed]:
    """Return the applications with events of AI sources that no system matches, the busiest first."""
    spans = list(_strangers(filled, sources, systems))
    if not spans:
        return []
    sql = f"""
        select source, application, count(*) as events from ({" union all ".join(spans)})
        group by all order by events desc, 1, 2
    """
    rows = filled.ask(sql).to_pylist()
    return [Unnamed(row["source"], row["application"] or "", row["events"]) for row in rows]


def _strangers(filled: Filled, sources: Sequence[str], systems: Sequence[System]) -> Iterator[str]:
    listed = ", ".join(text_literal(source) for source in sources) or "''"
    for table, schema in filled.columns.items():
        names = [
            path for path in ("actor.app_name", "message_context.application.name") if _column(filled, table, path)
        ]
        application = f"coalesce({', '.join(names)}, '')" if names else "''"
        tests = [test for system in systems if (test := _condition(filled, table, system.match)) is not None]
        known = " or ".join(f"coalesce({test}, false)" for test in tests) or "false"
        if "time" in schema.names:
            yield (
                f"select source, {application} as application from {name_text(table)} "
                f"where source in ({listed}) and not ({known}) and {_bounds(filled)}"
            )


def _matched(filled: Filled, table: str, match: Sequence[tuple[str, tuple[str, ...]]]) -> str | None:
    condition = _condition(filled, table, match)
    if condition is None or "time" not in filled.columns[table].names:
        return None
    return f"select time from {name_text(table)} where {condition} and {_bounds(filled)}"


def _condition(filled: Filled, table: str, match: Sequence[tuple[str, tuple[str, ...]]]) -> str | None:
    """The condition that an event is of a system; None where the table lacks one of its attributes."""
    tests = []
    for path, values in match:
        if path != "source" and not _column(filled, table, path):
            return None
        column = ".".join(name_text(part) for part in path.split("."))
        tests.append(f"cast({column} as varchar) in ({', '.join(text_literal(value) for value in values)})")
    return " and ".join(tests)


def _column(filled: Filled, table: str, path: str) -> bool:
    test = filled_test(filled.columns[table], path)
    return test != "false" and "list_filter" not in test


def _bounds(filled: Filled) -> str:
    found = [f"time {sign} {at}" for sign, at in ((">=", filled.since), ("<", filled.until)) if at is not None]
    return " and ".join(found) or "true"


def _length(filled: Filled) -> int:
    return (filled.until or 0) - (filled.since or 0)
