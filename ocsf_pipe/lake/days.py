"""The day that a row is filed under, and a batch cut by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ocsf_pipe.pieces import whole

MS_PER_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Window:
    """The times believed: so many days before and after the day of arrival. It bounds the number of partitions."""

    days_back: int = 3653
    days_ahead: int = 2


@dataclass(frozen=True, slots=True)
class Day:
    """The rows of one day."""

    day: dt.date
    rows: pa.Table


def by_day(table: pa.Table, clock: int, window: Window) -> tuple[list[Day], int]:
    """Return the rows by UTC day of `time` (epoch ms), and how many implausible ones went to the day of `clock`."""
    days, implausible = _days(table, clock, window)
    if len(days) == 0:
        return [], 0
    if not _ascending(days):
        order = pc.sort_indices(days)  # stable, so rows of one day keep their order
        table, days = table.take(order), days.take(order)
    return list(_runs(table, days)), implausible


def _days(table: pa.Table, clock: int, window: Window) -> tuple[pa.Array, int]:
    """Return days since 1970 as int64, one a row, and the number of replaced ones."""
    today = clock // MS_PER_DAY
    if "time" not in table.column_names:
        return pa.array([today] * table.num_rows, pa.int64()), table.num_rows
    time = whole(table["time"]).cast(pa.int64())
    low, high = (today - window.days_back) * MS_PER_DAY, (today + window.days_ahead + 1) * MS_PER_DAY
    plausible = pc.fill_null(pc.and_(pc.greater_equal(time, low), pc.less(time, high)), False)
    # Integer division rounds towards zero, and a time before 1970 is plausible only on a clock that is: floor by hand.
    days = pc.divide(pc.subtract(time, pc.if_else(pc.less(time, 0), MS_PER_DAY - 1, 0)), MS_PER_DAY)
    return pc.if_else(plausible, days, today), table.num_rows - (pc.sum(plausible).as_py() or 0)


def _ascending(days: pa.Array) -> bool:
    return len(days) < 2 or bool(pc.all(pc.less_equal(days[:-1], days[1:])).as_py())


def _runs(table: pa.Table, days: pa.Array) -> Iterator[Day]:
    start = 0
    runs = pc.run_end_encode(days)
    for end, value in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
        day = dt.date(1970, 1, 1) + dt.timedelta(days=value)
        yield Day(day, table.slice(start, end - start))
        start = end
