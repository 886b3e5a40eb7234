"""`switches.yml` beside a mapping: what its source does not log until somebody switches it on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ocsf_pipe.errors import UsageError

FILE = "switches.yml"
_KEYS = {"switch", "where", "gives", "content", "reference"}


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch of a source: what it is called, where it is set, and which attributes (`table.path`) it fills.

    `content` says that with it, text of people's work reaches the logs.
    """

    mapping: str
    switch: str
    where: str
    gives: tuple[str, ...]
    content: bool = False
    reference: str = ""

    def fills(self, path: str) -> bool:
        """Whether it fills the attribute at a path, or something in it."""
        return any(
            path == given or path.startswith(f"{given}.") or given.startswith(f"{path}.") for given in self.gives
        )


def switches_beside(mapping: str, file: Path) -> tuple[Switch, ...]:
    """Return the switches of a mapping's file; none when it has none. UsageError where they cannot be read."""
    beside = file.parent / FILE
    if not beside.is_file():
        return ()
    try:
        found = yaml.safe_load(beside.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise UsageError(f"`{beside}` is not YAML: {error}") from error
    return tuple(_switch(mapping, beside, one) for one in _listed(beside, found))


def _listed(file: Path, found: Any) -> Iterable[Any]:
    if not isinstance(found, list):
        raise UsageError(f"`{file}` is no list of switches", "write `- switch: NAME` lines")
    return found


def _switch(mapping: str, file: Path, one: Any) -> Switch:
    missing = {"switch", "where", "gives"} - set(one if isinstance(one, dict) else ())
    if missing:
        raise UsageError(f"a switch in `{file}` lacks {', '.join(f'`{name}`' for name in sorted(missing))}")
    strange = set(one) - _KEYS
    if strange:
        raise UsageError(f"`{min(strange)}` is no key of a switch, in `{file}`", f"keys: {', '.join(sorted(_KEYS))}")
    return Switch(
        mapping,
        str(one["switch"]),
        str(one["where"]),
        tuple(map(str, one["gives"])),
        bool(one.get("content", False)),
        str(one.get("reference", "")),
    )
