"""A pipeline: one lake, the sources that flow into it, and how; what a pipeline file says, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ocsf_pipe.run.pipeline_secrets import revealed

if TYPE_CHECKING:
    from ocsf_pipe.run.pipeline_detect import DetectSpec


TEXTS = "_content"
"""The table of the texts that are kept."""
TEXT_DAYS = 30


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """When a batch of a partition is closed: after so many seconds, or so many bytes of raw records."""

    seconds: float = 2.0
    bytes: int = 40 << 20


@dataclass(frozen=True, slots=True)
class MaintenanceSpec:
    """Upkeep inside the running pipeline; a period of None is never. Periods and `keep` in seconds.

    compact, vacuum: how often; keep: how long a file that left its table stays for readers of older snapshots;
    retain: days that rows are kept, by class; `default` among them stands for every class that is not named, and
    without it such classes are kept for ever.
    """

    compact: float | None = 3600.0
    vacuum: float | None = 86400.0
    keep: float = 7 * 86400.0
    retain: Mapping[str, int] = field(default_factory=dict)

    def days(self, table: str) -> int | None:
        """How many days the rows of a table are kept; None for ever. Texts are kept for a month if nothing is said."""
        if table == TEXTS:
            return self.retain.get(table, TEXT_DAYS)
        return self.retain.get(table, self.retain.get("default"))


@dataclass(frozen=True, slots=True)
class MetricsSpec:
    """Where metrics and health are served."""

    host: str = "127.0.0.1"
    port: int = 9464


@dataclass(frozen=True, slots=True)
class LogSpec:
    """How the program speaks of itself; `auto` is text on a terminal and JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"


Tier = Literal["seal", "store", "store-plain"]
"""What becomes of text: none of it is kept; it is kept encrypted in a table of its own; it is kept there as it is."""


@dataclass(frozen=True, slots=True)
class ContentSpec:
    """What becomes of prompts and responses; key_file: where the key is, None for the environment's or the lake's."""

    tier: Tier = "seal"
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source: its connector, the mappings its records may go to (none: the records tell), its settings.

    Settings fit the connector's `SETTINGS`; secrets in them are `Secret` objects. content: what becomes of its text,
    where the pipeline says another thing.
    """

    name: str
    connector: str
    mappings: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    content: Tier | None = None

    def revealed(self) -> dict[str, Any]:
        """The settings as `connect` takes them, secrets as plain text; never to be kept or shown."""
        settings: dict[str, Any] = revealed(self.settings)
        return settings


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Everything that a pipeline file says. `lake` is a folder or URL; below `state` lie the spools of sources.

    metrics: None serves none. threads: DuckDB threads that map; each costs memory. detect: rules that are asked of
    every batch; None asks none. content: what becomes of prompts and responses. file: where this was read.
    """

    name: str
    lake: str
    sources: tuple[SourceSpec, ...]
    state: Path
    batch: BatchSpec = BatchSpec()
    maintenance: MaintenanceSpec = MaintenanceSpec()
    metrics: MetricsSpec | None = None
    log: LogSpec = LogSpec()
    threads: int = 1
    detect: DetectSpec | None = None
    content: ContentSpec = ContentSpec()
    file: Path | None = None


def load_pipeline(path: Path) -> Pipeline:
    """Read and check a pipeline file; raises PipelineError with every complaint at once, and OSError."""
    from ocsf_pipe.run.pipeline_parse import load

    return load(path)
