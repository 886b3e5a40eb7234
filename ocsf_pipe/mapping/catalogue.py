"""The mappings there are: those that ship, and those of folders that `OCSF_PIPE_MAPPINGS` names."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from ocsf_pipe.bundled import mappings_dir
from ocsf_pipe.errors import UsageError, did_you_mean
from ocsf_pipe.kept import kept
from ocsf_pipe.mapping.compile import compile_mapping, compile_recogniser, read_text
from ocsf_pipe.mapping.parse import HEAD, TOP, parse
from ocsf_pipe.mapping.syntax import Mapping as Syntax
from ocsf_pipe.plan.nodes import Plan

PLACES = "OCSF_PIPE_MAPPINGS"


@dataclass(frozen=True)
class Listed:
    """One mapping file; parsed and compiled when first asked."""

    name: str
    path: Path

    @cached_property
    def syntax(self) -> Syntax:
        """What the author wrote, without asking the schema. Raises MappingError, UsageError."""
        return self._parsed(TOP)

    @cached_property
    def head(self) -> Syntax:
        """The same without its events: enough to know its format and its records, and several times quicker."""
        return self._parsed(HEAD)

    def _parsed(self, words: Collection[str]) -> Syntax:
        found, _ = parse(read_text(self.path), str(self.path), words)
        if found is None:
            raise UsageError(f"`{self.path}` is not a mapping", f"see `ocsf-pipe mapping check {self.path}`")
        return found

    @cached_property
    def plan(self) -> Plan:
        """The compiled mapping; raises MappingError."""
        return compile_mapping(self.path)

    @cached_property
    def recogniser(self) -> Plan:
        """A plan that tells quickly which records can be of this mapping; raises MappingError, UsageError."""
        return compile_recogniser(self.head) or self.plan


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
