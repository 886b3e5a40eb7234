"""A connector of our own for the tests of pipeline files and of `run`: lines of files in a folder, each a partition."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Batch, Context, Offset

SETTINGS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["folder"],
    "properties": {
        "folder": {"description": "The folder whose files are read.", "type": "string", "minLength": 1},
        "take": {"description": "Lines in a batch.", "type": "integer", "minimum": 1, "maximum": 1000},
        "mode": {"description": "How it is read.", "enum": ["slow", "fast"]},
        "loud": {"description": "Whether it speaks.", "type": "boolean"},
        "names": {
            "description": "The files that are read.",
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "pattern": "^[a-z]+$"},
        },
        "token": {"description": "What lets us in.", "type": "string", "format": "secret", "minLength": 8},
        "tokens": {
            "description": "Several of them.",
            "type": "array",
            "items": {"type": "string", "format": "secret"},
        },
        "sasl_mechanism": {"description": "How we log in.", "enum": ["plain", "scram"]},
        "user": {"description": "Who we are.", "type": "string"},
        "login": {"description": "Who we are, otherwise.", "type": "string"},
        "tls": {
            "description": "Encryption.",
            "type": "object",
            "additionalProperties": False,
            "required": ["ca"],
            "properties": {
                "ca": {"description": "Whom to trust.", "type": "string"},
                "key": {"$ref": "#/$defs/key"},
            },
        },
        "wait": {"description": "A number or a text.", "anyOf": [{"type": "number"}, {"type": "string"}]},
    },
    "dependentRequired": {"user": ["token"]},
    "not": {"required": ["user", "login"]},
    "$defs": {"key": {"description": "The private key.", "type": "string", "format": "secret"}},
}


@dataclass
class Folder:
    """Every file is a partition; its lines are messages."""

    settings: Mapping[str, Any]
    context: Context

    def partitions(self) -> Sequence[str]:
        """The files there are; a folder that is not there is a far end that is away."""
        folder = Path(self.settings["folder"])
        if not folder.is_dir():
            raise SourceError(f"no folder `{folder}`, and {self.settings.get('token')} did not help", "make it")
        return sorted(path.name for path in folder.iterdir())

    def open(self, partition: str, offset: Offset = Offset()) -> Lines:
        """Go to a line."""
        lines = (Path(self.settings["folder"]) / partition).read_bytes().splitlines()
        return Lines(partition, lines, offset.position, self)

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class Lines:
    """See `Folder`. Reading it slowly is a worker that does not answer."""

    id: str
    lines: list[bytes]
    at: int
    source: Folder

    def next_batch(self) -> Batch | None:
        """The next lines; a file that is named `endless` never ends."""
        if self.source.settings.get("mode") == "slow":
            time.sleep(30)
        found = self.lines[self.at : self.at + int(self.source.settings.get("take", 10))]
        if not found:
            if self.id == "endless":
                return None
            raise StopIteration
        start, self.at = self.at, self.at + len(found)
        places = pa.array(range(start, self.at), pa.int64())
        runs = self.source.context.decoder.parse(pa.array(found, pa.large_binary()), places, self.at)
        return Batch(runs, Offset(start), Offset(self.at))

    def offset(self) -> Offset:
        """Where it is."""
        return Offset(self.at)

    def acknowledge(self, offset: Offset) -> None:
        """A file does not care."""

    def lag(self) -> int | None:
        """What is left."""
        return len(self.lines) - self.at

    def close(self) -> None:
        """Nothing is held."""


def connect(settings: Mapping[str, Any], context: Context) -> Folder:
    """The folder."""
    return Folder(settings, context)
