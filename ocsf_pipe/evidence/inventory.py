"""The AI systems that somebody answers for: a small YAML file, checked against `schemas/ai-inventory.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ocsf_pipe.bundled import schemas_dir
from ocsf_pipe.errors import UsageError

SCHEMA = "ai-inventory.schema.json"


@dataclass(frozen=True, slots=True)
class System:
    """One AI system. `match` tells its events: every attribute has one of the values; `source` is the mapping's name.

    `scope` is that of the generative-AI scoping matrix, 1 consumer application to 5 self-trained model. `within`, in
    seconds, is how long it may be silent at most; None where nothing is promised.
    """

    id: str
    name: str
    scope: int
    match: tuple[tuple[str, tuple[str, ...]], ...]
    role: str = "deployer"
    risk: str = ""
    owner: str = ""
    within: int | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """All systems, and the SHA-256 of the file that declares them."""

    systems: tuple[System, ...]
    path: str = ""
    sha256: str = ""


NONE = Inventory(())
"""The inventory of somebody who has none."""


def read_inventory(path: Path) -> Inventory:
    """Read an inventory; UsageError that names the place where it does not keep to its schema."""
    from hashlib import sha256

    from jsonschema import Draft202012Validator

    try:
        data = path.read_bytes()
        found = yaml.safe_load(data.decode("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"`{path}` cannot be read as an inventory: {error}") from error
    schema = json.loads((schemas_dir() / SCHEMA).read_bytes())
    for wrong in Draft202012Validator(schema).iter_errors(found):
        place = ".".join(map(str, wrong.absolute_path)) or "the file"
        raise UsageError(f"`{path}`: {place}: {wrong.message}", f"`schemas/{SCHEMA}` says what an inventory holds")
    systems = tuple(_system(one) for one in found["systems"])
    twice = [one.id for i, one in enumerate(systems) if one.id in {other.id for other in systems[:i]}]
    if twice:
        raise UsageError(f"`{path}`: two systems have the id `{twice[0]}`")
    return Inventory(systems, str(path), sha256(data).hexdigest())


def _system(found: Mapping[str, Any]) -> System:
    match = tuple((name, tuple(map(str, _several(value)))) for name, value in found["match"].items())
    within = found.get("expects", {}).get("within")
    return System(
        id=found["id"],
        name=found.get("name", found["id"]),
        scope=found["scope"],
        match=match,
        role=found.get("role", "deployer"),
        risk=found.get("risk", ""),
        owner=found.get("owner", ""),
        within=_seconds(within) if within else None,
    )


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _seconds(text: str) -> int:
    return int(text[:-1]) * {"m": 60, "h": 3600, "d": 86400}[text[-1]]
