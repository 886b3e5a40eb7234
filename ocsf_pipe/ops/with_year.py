"""The op `with_year`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.time_text import to_iso
from ocsf_pipe.ops.types import TEXT, TIMESTAMP

_DAYS_AHEAD = 2
_AHEAD = _DAYS_AHEAD * 86_400_000  # a zone of fourteen hours and a clock that is fast


@op(
    takes=(TEXT, TIMESTAMP),
    gives=TEXT,
    examples=[
        Example(("--02-10T09:08:07", 1770714487006), "2026-02-10T09:08:07", "seen in February 2026"),
        Example(("--02-12T01:00:00", 1770714487006), "2026-02-12T01:00:00", "up to two days later"),
        Example(("--12-31T23:59:59.5+01:00", 1767225600000), "2025-12-31T23:59:59.5+01:00", "seen in January 2026"),
        Example(("--01-01T00:00:00", 1767200000000), "2026-01-01T00:00:00", "seen in December 2025"),
        Example(("--02-29", 1770714487006), "2024-02-29", "the last year that has the day"),
        Example(("--02-29", -2203977600000), "1896-02-29", "1900 has not"),
        Example(("2019-06-14T10:40:20", 1770714487006), "2019-06-14T10:40:20", "it has a year"),
        Example(("soon", 1770714487006), "soon"),
        Example(("--02-10", 253402300800000), None, "seen after the year 9999"),
        Example(("--02-10", None), None),
    ],
)
def with_year(value: str, seen: int) -> str | None:
    """Put a year before ISO text without one (`--MM-DD…`): the last that leaves it at most two days after `seen`."""
    if not value.startswith("--"):
        return value
    last = to_iso(seen + _AHEAD)
    if last is None:
        return None
    year = int(last[:4]) - (value[2:] > last[5:])
    if value.startswith("--02-29"):
        year -= year % 4
        year -= 4 * (year % 100 == 0 and year % 400 != 0)
    return f"{year:04}{value[1:]}"


@with_year.sql
def _sql(value: str, seen: str) -> str:
    last = f"make_timestamp_ms({seen} + {_AHEAD})"
    day = f"strftime({last}, '%m-%dT%H:%M:%S.%gZ')"
    year = f"(year({last}) - case when substr({value}, 3) > {day} then 1 else 0 end)"
    leap = f"({year} - {year} % 4)"
    leap = f"({leap} - case when {leap} % 100 = 0 and {leap} % 400 != 0 then 4 else 0 end)"
    chosen = f"case when starts_with({value}, '--02-29') then {leap} else {year} end"
    known = f"{seen} between -62135596800000 - {_AHEAD} and 253402300799999 - {_AHEAD}"
    made = f"case when {known} then lpad(cast({chosen} as varchar), 4, '0') || substr({value}, 2) end"
    return f"case when starts_with({value}, '--') then {made} when {seen} is not null then {value} end"
