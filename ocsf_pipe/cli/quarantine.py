"""`ocsf-pipe quarantine …`: what was refused, why, and once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocsf_pipe.cli.output import print_json, print_table
from ocsf_pipe.cli.place import HERE, LakePlace

if TYPE_CHECKING:
    from ocsf_pipe.lake import Lake

app = typer.Typer(name="quarantine", no_args_is_help=True, help="See refused records, and map them again.")

_WIDTH = 100
_TO_DO = {
    "no mapping recognises the record": (
        (
            "logs of a source that no mapping here knows: `ocsf-pipe mapping new FILE` drafts one, "
            "and `ocsf-pipe quarantine replay` then maps what lies here"
        ),
        "parts of messages, settings, files without times: these are no logs; leave them out of what is ingested",
    ),
    "the record is not a JSON object": (
        "a list, a text or half a record stands where one record was expected: see it with --open, mend its export",
    ),
}
"""What a person does about records, by their reason."""


@app.command()
def show(
    lake: LakePlace = HERE,
    mapping: Annotated[str | None, typer.Option("--mapping", "-m", help="Only records of this mapping.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Only reasons that contain this text.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many records to print.")] = 10,
    unseal: Annotated[
        bool, typer.Option("--open", help="Show records that may hold prompts or responses, with the lake's key.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a record.")] = False,
) -> None:
    """Print how many records were refused for which reason, then the first of them with their place.

    Records that may hold prompt or response text are kept encrypted, and shown with --open only.

    Example: [bold]ocsf-pipe quarantine show --mapping okta.system_log --limit 3[/bold]
    """
    opened = _open(lake)
    if opened is None:
        typer.echo("nothing is in quarantine")
        return
    rows = records(opened, mapping, reason, limit, unseal=unseal)
    if as_json:
        print_json(rows)
        return
    where, params = _where(mapping, reason)
    counts = opened.sql(
        f"select source, reason, count(*) n from _quarantine {where} group by all order by n desc", params
    )
    reasons = counts.to_pylist()
    print_table(("mapping", "reason", "records"), [tuple(row.values()) for row in reasons])
    for told in sorted({row["reason"] for row in reasons} & _TO_DO.keys()):
        typer.echo("\n".join((f"\n{told}:", *(f"  - {remedy}" for remedy in _TO_DO[told]))))
    for row in rows:
        typer.echo("")
        for key, value in row.items():
            text = str(value)
            typer.echo(f"{key:>9}  {text if len(text) <= _WIDTH else text[:_WIDTH] + '…'}")


def records(
    lake: Lake, mapping: str | None = None, reason: str | None = None, limit: int = 10, *, unseal: bool = False
) -> list[dict[str, Any]]:
    """Refused records, each with its place, its reason and the line of the mapping that asked for more.

    Sealed ones show their length alone, unless `unseal` says that they are to be opened with the lake's key.
    """
    where, params = _where(mapping, reason)
    columns = "record_uid, source, partition, position, sub, rule, field, reason, raw"
    found = lake.sql(
        f"select {columns} from _quarantine {where} order by time, partition, position limit {limit}", params
    )
    return [{**_row(row), "raw": _raw(lake, row, unseal=unseal)} for row in found.to_pylist()]


def _raw(lake: Lake, row: dict[str, Any], *, unseal: bool) -> str:
    from ocsf_pipe.content.cipher import is_sealed, plain_size
    from ocsf_pipe.run.contents import reading_vault
    from ocsf_pipe.run.quarantine import opened

    if not is_sealed(row["raw"]):
        return str(row["raw"].decode("utf-8", "replace"))
    if not unseal:
        return f"(sealed: {plain_size(row['raw'])} bytes; --open shows them)"
    try:
        return str(opened(reading_vault(lake), row)["raw"].decode("utf-8", "replace"))
    except ValueError as error:
        return f"(sealed: {error})"


def _where(mapping: str | None, reason: str | None) -> tuple[str, list[str]]:
    tests = [*(["source = ?"] if mapping else []), *(["contains(reason, ?)"] if reason else [])]
    return ("where " + " and ".join(tests) if tests else ""), [text for text in (mapping, reason) if text]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    place = row["partition"].split("#")[0]
    at = f"{row['position']}" + (f", record {row['sub']} in it" if row["sub"] else "")
    return {
        "file": place,
        "position": at,
        "mapping": row["source"],
        "rule": row["rule"] or "",
        "field": row["field"] or "",
        "reason": row["reason"],
        "line": mapping_line(row["source"], row["rule"] or "", row["field"] or ""),
    }


def mapping_line(mapping: str, rule: str, field: str) -> str:
    """Where in the mapping the field is set, as `file:line: text`; empty where that cannot be told."""
    from ocsf_pipe.errors import OcsfPipeError
    from ocsf_pipe.mapping.catalogue import find_mapping

    try:
        plan = find_mapping(mapping).plan
    except OcsfPipeError:
        return ""
    route = next((route for route in plan.routes if route.name == rule), None)
    if route is None:
        return ""
    span = next((a.span for a in route.assigns if a.path[:1] == (field,) and a.span is not None), route.span)
    if span is None:
        return ""
    with open(span.file, encoding="utf-8") as file:  # noqa: PTH123 - one line of a file named by the compiler
        text = file.read().splitlines()[span.line - 1].strip()
    return f"{span.file}:{span.line}: {text}"


@app.command()
def replay(
    lake: LakePlace = HERE,
    mapping: Annotated[str | None, typer.Option("--mapping", "-m", help="Only records of this mapping.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a mapping.")] = False,
) -> None:
    """Map refused records again, after their mapping was mended; what maps now moves to its tables exactly once.

    Sealed records are opened with the lake's key; those sealed with a key that is not here stay, and are counted.

    A replay that is cut off goes on where it stopped. What is refused again stays. Exit code 3 when anything stays.

    Example: [bold]ocsf-pipe quarantine replay --mapping okta.system_log[/bold]
    """
    from ocsf_pipe.mapping.catalogue import find_mapping
    from ocsf_pipe.run.replay import Replay

    opened = _open(lake)
    names = [mapping] if mapping else _sources(opened) if opened else []
    done = {name: Replay(opened, find_mapping(name)).run() for name in names} if opened else {}
    if as_json:
        print_json(
            {"mapping": n, "moved": d.moved, "refused": d.refused, "unreadable": d.unreadable, "events": d.events}
            for n, d in done.items()
        )
    else:
        print_table(("mapping", "moved", "refused again"), [(n, d.moved, d.refused) for n, d in done.items()])
        for name, one in done.items():
            if one.unreadable:
                typer.echo(f"{name}: {one.unreadable} of them are sealed with a key that is not here", err=True)
    if any(d.refused for d in done.values()):
        raise typer.Exit(3)


def _open(place: str) -> Lake | None:
    from ocsf_pipe.lake import QUARANTINE, Lake

    lake = Lake(place)
    return lake if QUARANTINE in lake.tables() else None


def _sources(lake: Lake) -> list[str]:
    found = lake.sql("select distinct source from _quarantine where source <> '' order by 1")
    return [row["source"] for row in found.to_pylist()]
