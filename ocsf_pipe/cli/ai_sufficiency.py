"""`ocsf-pipe ai sufficiency`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocsf_pipe.cli.output import print_json, print_table
from ocsf_pipe.cli.place import HERE, LakePlace

if TYPE_CHECKING:
    from ocsf_pipe.evidence.sufficiency import Judge, Lack, Sufficiency

app = typer.Typer()


@app.command()
def sufficiency(
    rules: Annotated[
        list[Path] | None, typer.Argument(metavar="[RULES]…", help="Rules; the shipped AI detections if left out.")
    ] = None,
    lake: LakePlace = HERE,
    since: Annotated[datetime | None, typer.Option("--since", help="Look at events from this time on.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 unless every detection is live.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Say of each AI detection whether it is live, degraded or blind with what the lake holds, and what would mend it.

    Blind: no event of its tables, or an attribute that it needs is empty in all of them. Degraded: an attribute that
    would help is empty. Beside it stands what would fill it: a switch at a source that is in use, or a mapping that is
    not.

    Example: [bold]ocsf-pipe ai sufficiency --lake /data/lake --since 2026-03-01[/bold]
    """
    from ocsf_pipe.detect.rules import load_rules
    from ocsf_pipe.evidence.filled import Filled
    from ocsf_pipe.evidence.sufficiency import Judge
    from ocsf_pipe.lake import Lake
    from ocsf_pipe.mapping.catalogue import catalogue

    judge = Judge.of(Filled(Lake(lake), _millis(since)), catalogue())
    found = [judge.judge(rule) for rule in load_rules(rules or [_shipped()])]
    if as_json:
        print_json(asdict(one) for one in found)
    else:
        _show(found)
        _show_sources(judge)
    if strict and any(one.state != "live" for one in found):
        raise typer.Exit(1)


def _shipped() -> Path:
    from ocsf_pipe.bundled import detections_dir

    return detections_dir() / "ai"


def _show(found: list[Sufficiency]) -> None:
    print_table(("detection", "state", "why", "what would mend it"), [_row(one) for one in found])
    states = ", ".join(f"{sum(one.state == state for one in found)} {state}" for state in ("live", "degraded", "blind"))
    typer.echo(f"{len(found)} detections: {states}", err=True)


def _show_sources(judge: Judge) -> None:
    """The sources that the detections have to do with, and what becomes of the text in their events."""
    events: dict[str, int] = {}
    for counts in judge.sources.values():
        for source, count in counts.items():
            events[source] = events.get(source, 0) + count
    tiers = judge.filled.tiers()
    said = {
        source: ", ".join(f"{tier} in {count:,}" for tier, count in sorted(tiers[source].items())) for source in tiers
    }
    typer.echo()
    print_table(("source", "events", "content"), [(name, events[name], said.get(name, "")) for name in sorted(events)])


def _row(one: Sufficiency) -> tuple[str, str, str, str]:
    if one.fault is not None:
        return one.title, one.state, one.fault, ""
    return one.title, one.state, "; ".join(map(_why, one.lacks)), "; ".join(dict.fromkeys(map(_mend, one.lacks)))


def _why(lack: Lack) -> str:
    names = " or ".join(lack.paths)
    if lack.events == 0:
        return f"no events for {names}"
    return f"{names} is empty in {lack.events:,} events"


def _mend(lack: Lack) -> str:
    if lack.switches:
        return " or ".join(f"switch on {one.switch} ({one.mapping}: {one.where})" for one in lack.switches)
    if lack.silent:
        return f"have {', '.join(lack.silent)} send it"
    if lack.mappings:
        return f"ingest {', '.join(lack.mappings[:4])}{' …' if len(lack.mappings) > 4 else ''}"
    return "no shipped mapping has it"


def _millis(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
