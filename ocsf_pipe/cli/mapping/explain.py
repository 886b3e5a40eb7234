"""`ocsf-pipe mapping explain`."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from ocsf_pipe.cli.output import print_json, print_table

if TYPE_CHECKING:
    from ocsf_pipe.plan.nodes import Plan
    from ocsf_pipe.source import Records
    from ocsf_pipe.testing.explain import Explained, Explanation

app = typer.Typer()

_PATHS = 4


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="The mapping.")],
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="Raw records, packed or not; `-` for stdin.")] = "-",
    record: Annotated[int, typer.Option("--record", "-n", min=1, help="Which record, counted from 1.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the explanation as one JSON object.")] = False,
) -> None:
    """Say for one raw record which rule takes it and where each attribute comes from.

    Also what did not convert, what is left in `unmapped`, and why the record is refused if it is.

    Example: [bold]ocsf-pipe mapping explain aws.cloudtrail trail.json.gz --record 3[/bold]
    """
    from ocsf_pipe.mapping.catalogue import find_mapping
    from ocsf_pipe.testing.explain import explain as explained

    plan = find_mapping(name).plan
    found = explained(plan, _record(plan, file, record))
    if as_json:
        print_json([asdict(found)])
    else:
        _print(found)


def _record(plan: Plan, file: str, number: int) -> Records:
    """The record of this number, of those that could be decoded."""
    from ocsf_connectors.file import open_stream
    from ocsf_pipe.decode import FORMATS
    from ocsf_pipe.engine.reference import expand
    from ocsf_pipe.errors import UsageError
    from ocsf_pipe.testing.lines import one_record

    before = rejected = 0
    with open_stream(file) as stream:
        for run in FORMATS[plan.format].read(stream, plan.settings):
            rejected += len(run.rejects)
            whole = expand(plan, run)
            if number <= before + len(whole):
                return one_record(whole, number - before - 1)
            before += len(whole)
    hint = f"{rejected} more could not be decoded as {plan.format}" if rejected else None
    raise UsageError(f"there are {before} records in `{file}`, not {number}", hint)


def _print(found: Explanation) -> None:
    for refused in found.refused:
        place = f"rule `{refused.rule}`" if refused.rule else "no rule"
        at = f" (line {refused.line})" if refused.line else ""
        typer.echo(f"refused: {refused.reason}; {place}{at}")
    for why in found.dropped:
        typer.echo(f"dropped: {why}")
    for event in found.events:
        _event(event)
    for one in found.unconverted:
        said = ", ".join(f"{path} = {value!r}" for path, value in islice(one.sources.items(), 5))
        typer.echo(f"not converted: {one.attribute} wants {one.expected}, got {said}")


def _event(event: Explained) -> None:
    from ocsf_pipe.testing.explain import shown

    typer.echo(f"rule `{event.rule}` (line {event.line}): {event.class_name}")
    rows = [
        (line.attribute, shown(line.value, 60), _sources(line.sources), f"line {line.line}" if line.line else "")
        for line in event.attributes
    ]
    print_table(("attribute", "value", "from", "mapping"), rows)
    typer.echo(f"unmapped: {shown(event.unmapped) if event.unmapped is not None else 'nothing'}")


def _sources(paths: tuple[str, ...]) -> str:
    more = f" (and {len(paths) - _PATHS} more)" if len(paths) > _PATHS else ""
    return ", ".join(paths[:_PATHS]) + more
