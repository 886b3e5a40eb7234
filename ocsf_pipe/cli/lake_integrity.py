"""`ocsf-pipe lake verify --integrity`: what the chains say, and the anchor that holds them to it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ocsf_pipe.cli.output import print_json, print_table
from ocsf_pipe.errors import LakeError

if TYPE_CHECKING:
    from ocsf_pipe.lake import Lake
    from ocsf_pipe.lake.integrity import Integrity


def check(lake: Lake, anchor: Path | None, *, as_json: bool) -> bool:
    """Print what every table's chain says, and everything that broke; return whether nothing did."""
    found = lake.integrity(_read(anchor) if anchor is not None else None)
    if as_json:
        print_json({**asdict(one), "holds": one.holds} for one in found)
    else:
        _show(found)
    holds = all(one.holds for one in found)
    if anchor is not None and holds:
        _write(lake, anchor, found)
    return holds


def _show(found: list[Integrity]) -> None:
    names = ("table", "days", "attested rows", "other rows", "links", "head", "state")
    print_table(names, [_row(one) for one in found])
    for one in found:
        for each in one.breaks:
            place = "/".join(part for part in (each.table, each.file or each.day) if part)
            who = f" (uid {each.uid}, time {each.time})" if each.uid else ""
            typer.echo(f"{each.what}: {place}: {each.text}{who}")


def _row(one: Integrity) -> tuple[Any, ...]:
    state = "broken" if not one.holds else f"ok, {one.open} commits since the last link" if one.open else "ok"
    return one.table, one.days, one.rows, one.unattested, one.number + 1, one.head[:16], state


def _read(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    try:
        tables: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))["tables"]
    except (ValueError, KeyError, TypeError) as error:
        raise LakeError(f"`{path}` is no anchor: {error}", hint="name the file that `--anchor` wrote") from error
    return tables


def _write(lake: Lake, path: Path, found: list[Integrity]) -> None:
    """Write the heads of all chains, those of commits that no link had among them."""
    tips = {one.table: lake.seal(one.table) for one in found}
    kept = {name: {"number": tip.number, "head": tip.head} for name, tip in tips.items() if tip is not None}
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps({"tables": kept}, indent=2) + "\n", "utf-8")
    draft.replace(path)
