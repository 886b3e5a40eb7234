"""The mappings there are: those that ship, and those of folders that `OCSF_PIPE_MAPPINGS` names."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

from ocsf_pipe.bundled import mappings_dir
from ocsf_pipe.errors import UsageError, did_you_mean
from ocsf_pipe.kept import kept
from ocsf_pipe.mapping.compile import compile_mapping, compile_recogniser, read_text
from ocsf_pipe.mapping.parse import HEAD, TOP, parse
from ocsf_pipe.mapping.syntax import Mapping as Syntax
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.schema import versions

PLACES = "OCSF_PIPE_MAPPINGS"
MOST = 200
"""Compiled mappings that are kept on disk at most."""


@dataclass(frozen=True, slots=True)
class Head:
    """How the files of a mapping are read, and a plan without rules that tells its records quickly.

    What the recogniser takes for one of its records may still be none: the whole mapping says for certain.
    """

    format: str
    settings: Mapping[str, Any]
    records: tuple[str | int, ...]
    recogniser: Plan


@dataclass(frozen=True)
class Listed:
    """One mapping file; parsed and compiled when first asked, or taken from disk where it has not changed since."""

    name: str
    path: Path

    @cached_property
    def syntax(self) -> Syntax:
        """What the author wrote, without asking the schema. Raises MappingError, UsageError."""
        return self._parsed(TOP)

    @cached_property
    def head(self) -> Head:
        """What tells its files and records, many times quicker than the plan. Raises MappingError, UsageError."""
        return kept("head", self._parts(), self._head, lambda head: _of_release(head.recogniser), MOST)

    @cached_property
    def plan(self) -> Plan:
        """The compiled mapping; raises MappingError."""
        made = partial(compile_mapping, self.path)
        return kept("plan", self._parts(), made, _of_release, MOST)

    def _head(self) -> Head:
        written = self._parsed(HEAD)
        recogniser = compile_recogniser(written) or self.plan
        records = tuple(step.name if step.name is not None else "*" for step in written.input.records)
        return Head(written.input.format, written.input.settings, records, recogniser)

    def _parsed(self, words: Collection[str]) -> Syntax:
        found, _ = parse(read_text(self.path), str(self.path), words)
        if found is None:
            raise UsageError(f"`{self.path}` is not a mapping", f"see `ocsf-pipe mapping check {self.path}`")
        return found

    def _parts(self) -> list[str | bytes]:
        """What it is compiled from: its file and the tables beside it."""
        files = [self.path, *sorted(self.path.parent.glob("*.csv"))]
        return [part for file in files for part in (str(file), file.read_bytes())]


def _of_release(plan: Plan) -> bool:
    """Whether a plan was compiled for a release of OCSF, and not for a schema that somebody has exported."""
    return plan.version in versions()


def folders() -> list[Path]:
    """The folders that hold mappings, those of the user first: they win over shipped ones of the same name."""
    named = [Path(part) for part in os.environ.get(PLACES, "").split(os.pathsep) if part]
    return [*named, mappings_dir()]


@lru_cache(maxsize=8)
def _catalogue(places: tuple[Path, ...]) -> Mapping[str, Listed]:
    found: dict[str, Listed] = {}
    for place in places:
        for path in sorted(place.glob("*/*/mapping.yaml")):
            name = f"{path.parent.parent.name}.{path.parent.name}"
            found.setdefault(name, Listed(name, path))
    return found


def catalogue() -> Mapping[str, Listed]:
    """Every mapping by name, `vendor.product`."""
    return _catalogue(tuple(folders()))


def sigma_plans() -> list[Plan]:
    """The compiled mappings that declare Sigma logsources; from disk where no file of any mapping has changed.

    Raises MappingError.
    """
    listed = list(catalogue().values())
    files = [file for one in listed for file in sorted(one.path.parent.iterdir()) if file.is_file()]
    parts = [part for file in files for part in (str(file), file.read_bytes())]
    return kept("plans", parts, lambda: [one.plan for one in listed if one.syntax.sigma])


def forget_catalogue() -> None:
    """Read the mappings anew when they are next asked for; what was handed out stays as it is."""
    _catalogue.cache_clear()


def find_mapping(name: str | Path) -> Listed:
    """The mapping of this name (`aws.cloudtrail`, `aws/cloudtrail`), folder or file; UsageError for any other."""
    path = Path(name)
    for file in (path, path / "mapping.yaml"):
        if file.is_file():
            return Listed(str(name), file)
    known = catalogue()
    found = known.get(str(name).strip("/").replace("/", "."))
    if found is None:
        hint = did_you_mean(str(name).replace("/", "."), known) or "`ocsf-pipe mapping list` names them all"
        raise UsageError(f"no mapping `{name}`", hint)
    return found
