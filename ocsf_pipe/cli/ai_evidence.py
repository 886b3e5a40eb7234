"""`ocsf-pipe ai evidence`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocsf_pipe.cli.output import print_json, print_table
from ocsf_pipe.cli.place import HERE, LakePlace

if TYPE_CHECKING:
    from ocsf_pipe.evidence.report import Report

app = typer.Typer()


class Framework(StrEnum):
    """The frameworks whose duties are known."""

    eu_ai_act = "eu-ai-act"
    iso_42001 = "iso-42001"
    nist_ai_rmf = "nist-ai-rmf"


@app.command()
def evidence(
    framework: Annotated[Framework, typer.Option("--framework", "-f", help="Whose duties to go through.")],
    since: Annotated[datetime, typer.Option("--since", help="Begin of the period (UTC).")],
    until: Annotated[
        datetime | None, typer.Option("--until", help="End of the period, not included; now if left out.")
    ] = None,
    lake: LakePlace = HERE,
    inventory: Annotated[
        Path | None, typer.Option("--inventory", metavar="FILE", help="YAML: the AI systems that ought to be here.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the report goes.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object a line.")] = False,
) -> None:
    """Write what the lake can show for the duties of a framework, as Markdown and as JSON.

    Per duty: the queries, what they gave, a hash of it and of every day of every table that was read, and the gaps:
    systems that were silent or that nobody named, fields that are empty, records that do not go back far enough. It
    does not say that a duty is met.

    Example: [bold]ocsf-pipe ai evidence -f eu-ai-act --since 2026-01-01 --inventory ai-systems.yml[/bold]
    """
    from ocsf_pipe.errors import UsageError
    from ocsf_pipe.evidence.duties import framework as duties_of
    from ocsf_pipe.evidence.inventory import NONE, read_inventory
    from ocsf_pipe.evidence.render import as_json as rendered
    from ocsf_pipe.evidence.render import as_markdown, summary
    from ocsf_pipe.evidence.report import report
    from ocsf_pipe.lake import Lake

    now = datetime.now(UTC)
    begin, end = _millis(since), _millis(until or now)
    if begin >= end:
        raise UsageError("the period ends before it begins", "give an `--until` after `--since`")
    systems = read_inventory(inventory) if inventory is not None else NONE
    made = report(Lake(lake), duties_of(framework.value), systems, begin, end, _millis(now))
    out.mkdir(parents=True, exist_ok=True)
    stem = out / f"evidence-{framework.value}-{since:%Y%m%d}-{until or now:%Y%m%d}"
    stem.with_suffix(".md").write_text(as_markdown(made), "utf-8")
    stem.with_suffix(".json").write_text(json.dumps(rendered(made), indent=2, ensure_ascii=False) + "\n", "utf-8")
    if as_json:
        print_json(summary(made))
    else:
        _show(made, stem)


def _show(made: Report, stem: Path) -> None:
    from ocsf_pipe.evidence.render import summary

    rows = summary(made)
    print_table(tuple(rows[0]), [tuple(row.values()) for row in rows])
    for gap in made.gaps:
        typer.echo(f"gap ({gap.kind}): {gap.text}")
    typer.echo(f"{stem.with_suffix('.md')}\n{stem.with_suffix('.json')}")


def _millis(moment: datetime) -> int:
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
