"""A report as Markdown for people and as JSON for programs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ocsf_pipe.evidence.duties import scopes
from ocsf_pipe.evidence.report import Answer, Finding, Report

_NOTE = (
    "This report shows what the records say. Whether a duty is met it does not say: that is a judgement, "
    "and much that a duty asks for is in no log."
)
_READ = (
    "The days of the tables that the queries read. The hash is SHA-256 over the lines `path SHA-256` of a day's files, "
    "in the paths' order. `attested` says that all of them are what their commits claimed; "
    "`ocsf-pipe lake verify --integrity` checks the rows too."
)
_WIDEST = 120
_SHOWN = 25


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as one JSON object."""
    return {
        "note": _NOTE,
        "framework": {"id": report.framework.id, "title": report.framework.title, "text": report.framework.text},
        "lake": report.lake,
        "since": _when(report.since),
        "until": _when(report.until),
        "made": _when(report.made),
        "inventory": {"path": report.inventory.path, "sha256": report.inventory.sha256},
        "sources": list(report.sources),
        "systems": [{**asdict(one), "silent": one.silent} for one in report.systems],
        "not_in_the_inventory": [asdict(one) for one in report.unnamed],
        "oldest": {source: _when(time) for source, time in report.oldest},
        "gaps": [asdict(gap) for gap in report.gaps],
        "duties": [_duty(one) for one in report.findings],
        "partitions": [asdict(one) for one in report.partitions],
    }


def as_markdown(report: Report) -> str:
    """Return the report as Markdown; long results are cut, and say so."""
    return "\n".join(_lines(report)) + "\n"


def _duty(one: Finding) -> dict[str, Any]:
    return {
        "id": one.duty.id,
        "title": one.duty.title,
        "asks": one.duty.asks,
        "scopes": list(one.duty.scopes),
        "days": one.duty.days,
        "beyond": one.duty.beyond,
        "queries": [
            {
                "name": answer.asked.name,
                "sql": answer.asked.sql,
                "statement": answer.statement,
                "reads": list(answer.asked.reads),
                "rows": answer.rows,
                "sha256": answer.sha256,
                "result": list(answer.shown),
            }
            for answer in one.answers
        ],
        "fields": [{"field": path, "events": events, "filled": filled} for path, events, filled in one.fields],
        "gaps": [asdict(gap) for gap in one.gaps],
    }


def _lines(report: Report) -> Iterator[str]:
    yield f"# Evidence: {report.framework.title}"
    yield f"\n{report.framework.text}\n"
    yield f"**{_NOTE}**\n"
    yield f"- Lake: `{report.lake}`"
    yield f"- Period: {_when(report.since)} to {_when(report.until)} (not included)"
    yield f"- Made: {_when(report.made)}"
    given = f"`{report.inventory.path}`, SHA-256 `{report.inventory.sha256}`" if report.inventory.path else "none given"
    yield f"- Inventory: {given}"
    yield f"- AI sources: {', '.join(f'`{one}`' for one in report.sources) or 'none'}"
    yield from _overview(report)
    yield from _systems(report)
    for one in report.findings:
        yield from _finding(one)
    yield from _partitions(report)


def _overview(report: Report) -> Iterator[str]:
    yield "\n## Gaps\n"
    rows: list[list[Any]] = [["all", gap.kind, gap.text] for gap in report.gaps]
    rows += [[one.duty.id, gap.kind, gap.text] for one in report.findings for gap in one.gaps]
    yield from _table(("duty", "kind", "what is missing"), rows) if rows else ("None was found.",)
    yield "\n## How far back the records go\n"
    made = report.made
    ages = [[source, _when(time), (made - time) // 86_400_000] for source, time in report.oldest]
    yield from _table(("source", "oldest record", "days"), ages) if ages else ("There are no records.",)


def _systems(report: Report) -> Iterator[str]:
    if not report.systems:
        return
    yield "\n## Systems\n"
    rows = [
        [
            one.system.id,
            one.system.scope,
            one.system.role,
            one.system.risk or "not said",
            one.events,
            one.days,
            _when(one.first),
            _when(one.last),
            "silent" if one.silent else "",
        ]
        for one in report.systems
    ]
    yield from _table(("system", "scope", "role", "risk", "events", "days", "first", "last", ""), rows)
    used = {one.system.scope for one in report.systems}
    yield "\nScopes are those of the generative-AI scoping matrix, as the inventory declares them:\n"
    for scope in scopes():
        if scope.number in used:
            yield f"- **{scope.number} {scope.title}.** {scope.sees}"


def _finding(one: Finding) -> Iterator[str]:
    yield f"\n## {one.duty.id}: {one.duty.title}\n"
    yield one.duty.asks
    for gap in one.gaps:
        yield f"\n> gap ({gap.kind}): {gap.text}"
    if one.duty.beyond:
        yield f"\nNot in any log: {one.duty.beyond}"
    if one.fields:
        yield ""
        rows = [[f"`{path}`", events, filled, _share(filled, events)] for path, events, filled in one.fields]
        yield from _table(("field", "events", "with it", "share"), rows)
    for answer in one.answers:
        yield from _answer(answer)


def _answer(answer: Answer) -> Iterator[str]:
    yield f"\n### {one_line(answer.asked.name)}: {answer.rows:,} row{'' if answer.rows == 1 else 's'}\n"
    yield "```sql"
    yield answer.asked.sql
    yield "```\n"
    if answer.shown:
        names = list(answer.shown[0])
        shown = answer.shown[:_SHOWN]
        yield from _table(names, [[_time(name, row[name]) for name in names] for row in shown])
        if answer.rows > len(shown):
            yield f"\n{answer.rows - len(shown):,} more rows are left out here."
    else:
        yield f"Nothing: {answer.asked.empty}."
    yield f"\nSHA-256 of the result (canonical JSON): `{answer.sha256}`"


def _partitions(report: Report) -> Iterator[str]:
    yield "\n## What was read\n"
    yield f"{_READ}\n"
    rows = [
        [
            one.table,
            one.day,
            one.files,
            one.rows,
            f"`{one.sha256}`",
            f"`{one.head[:16]}`",
            "yes" if one.attested else "no",
        ]
        for one in report.partitions
    ]
    yield from _table(("table", "day", "files", "rows", "SHA-256", "chain", "attested"), rows)


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield f"|{'|'.join('---' for _ in names)}|"
    for row in rows:
        yield f"| {' | '.join(_cell(value) for value in row)} |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    text = one_line(text).replace("|", "\\|")
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…"


def one_line(text: str) -> str:
    """Return a text of a log on one line, so that it cannot write headings or rows of its own."""
    return " ".join(text.split()).replace("<", "&lt;")


def _time(name: str, value: Any) -> Any:
    return _when(value) if name in {"first", "last", "happened"} and isinstance(value, int) else value


def _share(filled: int, events: int) -> str:
    return f"{100 * filled / events:.1f} %" if events else ""


def _when(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=milliseconds)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def summary(report: Report) -> list[Mapping[str, Any]]:
    """Return one row a duty: rows found, fields that are empty, gaps."""
    return [
        {
            "duty": one.duty.id,
            "title": one.duty.title,
            "rows": sum(answer.rows for answer in one.answers),
            "empty fields": sum(not filled for _, _, filled in one.fields),
            "gaps": len(one.gaps),
        }
        for one in report.findings
    ]
