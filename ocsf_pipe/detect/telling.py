"""A finding as others are told of it: OCSF as JSON, and in a few words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ocsf_pipe.detect.evidence import without_nulls

_OURS = frozenset({"source", "event_day"})


def message_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `detection_finding` as an OCSF event in JSON: no nulls, times as RFC 3339, JSON text parsed."""
    found: dict[str, Any] = _told(without_nulls({k: v for k, v in row.items() if k not in _OURS}))
    if isinstance(found.get("unmapped"), str):
        found["unmapped"] = json.loads(found["unmapped"])
    return found


def _told(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _told(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_told(inner) for inner in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def words_of(message: Mapping[str, Any]) -> str:
    """A finding in a few lines for people: what, whom, when, how sure, what to do."""
    said = message.get("unmapped", {})
    info = message["finding_info"]
    lines = [f"*{message['severity']}* {message['message']}", f"at {message['time_dt']}, risk {message['risk_score']}"]
    if "entity" in said:
        lines[1] += f", {said['entity']}"
    techniques = [one["technique"]["uid"] for one in info.get("attacks", ()) if "technique" in one]
    if techniques:
        lines.append(", ".join(dict.fromkeys(techniques)))
    lines += [f"{name}: {value}" for name, value in said.get("details", {}).items()]
    if "remediation" in message:
        lines.append(message["remediation"]["desc"])
    return "\n".join([*lines, f"finding {message['metadata']['uid']}"])
