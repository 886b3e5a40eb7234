"""`ocsf-pipe mapping coverage`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ocsf_pipe.cli.output import print_json, print_table

if TYPE_CHECKING:
    from ocsf_pipe.mapping.catalogue import Listed
    from ocsf_pipe.source import Records
    from ocsf_pipe.testing.coverage import Fields, Filled

app = typer.Typer()


@app.command()
def coverage(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="The mapping.")],
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help="Raw records; the mapping's samples if left out.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=0, help="How many source fields that are not mapped to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say which share of the source a mapping takes, and of each class it fills.

    Source fields are the leaf values of the records; a field is taken when a value reads it or `leave` names it.

    Example: [bold]ocsf-pipe mapping coverage okta.system_log okta-*.json.gz[/bold]
    """
    from ocsf_pipe.mapping.catalogue import find_mapping
    from ocsf_pipe.testing.coverage import class_coverage, field_coverage

    listed = find_mapping(name)
    fields = field_coverage(listed.plan, _records(listed, files))
    filled = class_coverage(listed.plan)
    if as_json:
        counts = {"mapped": dict(fields.mapped), "left": dict(fields.left), "unmapped": dict(fields.unmapped)}
        rules = [asdict(one) for one in filled]
        print_json([{"records": fields.records, "share": fields.share, **counts, "rules": rules}])
    else:
        _print(fields, filled, top)


def _records(listed: Listed, files: list[str] | None) -> Iterator[Records]:
    from ocsf_connectors.file import find, open_stream
    from ocsf_pipe.decode import FORMATS
    from ocsf_pipe.engine.reference import expand
    from ocsf_pipe.testing.golden import samples_of

    plan = listed.plan
    paths = find(files) if files else [sample.input for sample in samples_of(listed.path.parent)]
    for path in paths:
        with open_stream(path) as stream:
            for run in FORMATS[plan.format].read(stream, plan.settings):
                yield expand(plan, run)


def _print(fields: Fields, filled: list[Filled], top: int) -> None:
    rows = [
        (
            one.rule,
            one.class_name,
            f"{len(one.required)}/{len(one.required) + len(one.missing_required)}",
            f"{len(one.recommended)}/{len(one.recommended) + len(one.missing_recommended)}",
            ", ".join((*one.missing_required, *one.missing_recommended)),
        )
        for one in filled
    ]
    print_table(("rule", "class", "required", "recommended", "not set"), rows)
    typer.echo(f"\n{fields.records} records: {fields.share:.1%} of their values are mapped or left on purpose")
    if fields.unmapped and top:
        common = [(path, count) for path, count in fields.unmapped.most_common(top)]
        print_table(("in `unmapped`", "records"), common)
