"""Metrics and readiness as rows for eyes: one a source, rates between two looks."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from ocsf_pipe.errors import UsageError

if TYPE_CHECKING:
    from ocsf_pipe.run.telemetry import Telemetry

MOST = 64 << 20
TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment (seconds of a clock that rises): sums by source and metric, and readiness."""

    at: float
    pipeline: str
    sources: Mapping[str, Mapping[str, float]]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One source as a person wants to see it; None where it is not known. Rates are a second."""

    source: str
    state: str
    records_rate: float | None
    events_rate: float | None
    records: int
    events: int
    lag: int | None
    queue: int
    quarantined: int
    dropped: int
    freshness: float | None
    reason: str


def look_at(text: str, readiness: Mapping[str, Any], at: float) -> Look:
    """Read metrics in the text format and the body of /readyz; raises UsageError where the text is no metrics."""
    sources: dict[str, dict[str, float]] = {}
    pipeline = str(readiness.get("pipeline", ""))
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                name = sample.name.removeprefix("ocsf_pipe_")
                if name == sample.name or name.endswith("_bucket"):
                    continue
                if name == "build_info":
                    pipeline = pipeline or sample.labels.get("pipeline", "")
                elif "source" in sample.labels:
                    found = sources.setdefault(sample.labels["source"], {})
                    found[name] = found.get(name, 0.0) + sample.value
    except (ValueError, KeyError, IndexError) as error:
        raise UsageError("what is answered there is no metrics", "name the `metrics.listen` of a pipeline") from error
    conditions = readiness.get("sources", {})
    return Look(at, pipeline, sources, conditions if isinstance(conditions, dict) else {})


def rows_of(look: Look, before: Look | None = None) -> list[Row]:
    """Every source of a look; rates since an earlier one, or unknown."""
    names = sorted({*look.sources, *look.conditions})
    return [_row(name, look, before) for name in names]


def _row(name: str, look: Look, before: Look | None) -> Row:
    found = look.sources.get(name, {})
    condition = look.conditions.get(name, {})

    def rate(metric: str) -> float | None:
        old = None if before is None else before.sources.get(name)
        if before is None or old is None or look.at <= before.at:
            return None
        change = found.get(metric, 0.0) - old.get(metric, 0.0)
        # A counter that fell began anew: its process was started again.
        return (change if change >= 0 else found.get(metric, 0.0)) / (look.at - before.at)

    return Row(
        source=name,
        state=str(condition.get("state", "waiting" if found.get("waiting") else "")),
        records_rate=rate("records_total"),
        events_rate=rate("events_total"),
        records=_whole(found.get("records_total")),
        events=_whole(found.get("events_total")),
        lag=None if "lag" not in found else _whole(found["lag"]),
        queue=_whole(found.get("queue_bytes")),
        quarantined=_whole(found.get("quarantined_total")),
        dropped=_whole(found.get("dropped_total")),
        freshness=found.get("freshness_seconds"),
        reason=str(condition.get("reason", "")) if condition.get("state") != "working" else "",
    )


def _whole(number: float | None) -> int:
    return int(number) if number is not None and math.isfinite(number) else 0


def of_telemetry(telemetry: Telemetry, at: float) -> Look:
    """Look at a pipeline of this very process."""
    return look_at(telemetry.exposition().decode(), telemetry.health.ready()[1], at)


def of_url(url: str, clock: Callable[[], float]) -> Look:
    """Look at a pipeline through its listener; raises UsageError where nobody answers."""
    base = url.rstrip("/").removesuffix("/metrics")
    if not base.startswith(("http://", "https://")):
        base = f"http://{base}"
    text = _fetched(f"{base}/metrics").decode("utf-8", "replace")
    try:
        readiness = json.loads(_fetched(f"{base}/readyz"))
    except ValueError:
        readiness = {}
    return look_at(text, readiness if isinstance(readiness, dict) else {}, clock())


def _fetched(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 - http or https, see of_url
            return bytes(answer.read(MOST))
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 503:  # not ready: the body says why
                return error.read(MOST)
        raise UsageError(f"`{url}` answers {error.code}", "name the `metrics.listen` of a pipeline") from error
    except (OSError, ValueError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        raise UsageError(
            f"nobody answers at `{url}`: {reason}", "name the `metrics.listen` of a running pipeline"
        ) from error
