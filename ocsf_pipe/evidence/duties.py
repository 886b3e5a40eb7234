"""The duties of a framework, as data: what each asks, the queries whose results speak to it, the fields it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FRAMEWORKS = ("eu-ai-act", "iso-42001", "nist-ai-rmf")
_FOLDER = Path(__file__).parent / "duties"


@dataclass(frozen=True, slots=True)
class Asked:
    """One query over the views of the lake, and what it means when it gives nothing: a gap, unless it may be empty."""

    name: str
    sql: str
    reads: tuple[str, ...]
    empty: str
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty: its place in the framework, what it asks in our words, and how the lake can speak to it.

    `scopes` are those of the scoping matrix for which the logs that one can have speak to it; `days` is how long
    records must be kept, 0 for no term; `beyond` says what no log can show.
    """

    id: str
    title: str
    asks: str
    scopes: tuple[int, ...]
    queries: tuple[Asked, ...]
    fields: tuple[str, ...]
    days: int = 0
    beyond: str = ""


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework with its duties; `text` says which version of it the data follow."""

    id: str
    title: str
    text: str
    duties: tuple[Duty, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope of the generative-AI scoping matrix, and what its logs can show."""

    number: int
    title: str
    sees: str


def framework(name: str) -> Framework:
    """Return a framework by its id, one of `FRAMEWORKS`."""
    found = yaml.safe_load((_FOLDER / f"{name}.yml").read_text("utf-8"))
    shared = yaml.safe_load((_FOLDER / "queries.yml").read_text("utf-8"))
    duties = tuple(_duty(one, shared) for one in found["duties"])
    return Framework(name, found["title"], found["text"], duties)


def scopes() -> tuple[Scope, ...]:
    """Return the five scopes of the matrix."""
    found = yaml.safe_load((_FOLDER / "scopes.yml").read_text("utf-8"))
    return tuple(Scope(one["scope"], one["title"], one["sees"]) for one in found)


def _duty(found: Mapping[str, Any], shared: Mapping[str, Mapping[str, Any]]) -> Duty:
    names = found.get("queries", ())
    return Duty(
        id=str(found["id"]),
        title=found["title"],
        asks=" ".join(found["asks"].split()),
        scopes=tuple(found.get("scopes", (1, 2, 3, 4, 5))),
        queries=tuple(_asked(name, shared[name]) for name in names),
        fields=tuple(found.get("fields", ())),
        days=found.get("days", 0),
        beyond=" ".join(found.get("beyond", "").split()),
    )


def _asked(name: str, found: Mapping[str, Any]) -> Asked:
    return Asked(name, found["sql"].strip(), tuple(found["reads"]), found["empty"], found.get("may_be_empty", False))
