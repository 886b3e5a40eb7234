"""The view of a running pipeline, drawn: a table a look, for `top` and `run --watch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from ocsf_pipe.run.telemetry_view import Look, Row

NAMES = (
    "source",
    "state",
    "records/s",
    "events/s",
    "records",
    "events",
    "lag",
    "queue",
    "quarantined",
    "dropped",
    "fresh",
    "why",
)
_STYLES = {"working": "green", "waiting": "yellow", "opening": "cyan", "stopped": "dim"}


def cells(row: Row) -> list[str]:
    """One source as texts, in the order of `NAMES`."""
    return [
        row.source,
        row.state,
        _rate(row.records_rate),
        _rate(row.events_rate),
        f"{row.records:,}",
        f"{row.events:,}",
        "" if row.lag is None else f"{row.lag:,}",
        _bytes(row.queue),
        f"{row.quarantined:,}",
        f"{row.dropped:,}",
        "" if row.freshness is None else f"{row.freshness:.1f}s",
        row.reason,
    ]


def table_of(look: Look, before: Look | None = None) -> Table:
    """A look as a table for a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from ocsf_pipe.run.telemetry_view import rows_of

    table = Table(box=SIMPLE_HEAD, title=f"pipeline {look.pipeline}", title_justify="left", expand=True)
    for name in NAMES:
        text = name in {"source", "state", "why"}
        table.add_column(name, justify="left" if text else "right", no_wrap=name != "why", overflow="ellipsis")
    for row in rows_of(look, before):
        texts = [Text(value) for value in cells(row)]
        texts[1].stylize(_STYLES.get(row.state, ""))
        if row.quarantined:
            texts[8].stylize("yellow")
        table.add_row(*texts)
    return table


def watch(look: Callable[[], Look], seconds: float, going: Callable[[float], bool]) -> None:
    """Draw a look every so many seconds, on the whole terminal, for as long as `going(seconds)`, which waits, holds."""
    from rich.console import Console
    from rich.live import Live

    before = None
    with Live(console=Console(), auto_refresh=False, screen=True) as live:
        while True:
            now = look()
            live.update(table_of(now, before), refresh=True)
            before = now
            if not going(seconds):
                return


def _rate(rate: float | None) -> str:
    if rate is None:
        return ""
    return f"{rate:,.0f}" if rate >= 10 or rate == 0 else f"{rate:.1f}"


def _bytes(size: int) -> str:
    for unit, step in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= step:
            return f"{size / step:.1f}{unit}"
    return f"{size}B"
