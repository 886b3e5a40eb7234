"""What differs from the approved tools → findings in the lake, each once, however often it is seen."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from ocsf_pipe.contracts.compare import Difference, told
from ocsf_pipe.contracts.sightings import Listing, listings, read_lines
from ocsf_pipe.detect.attacks import attacks
from ocsf_pipe.detect.evidence import without_nulls
from ocsf_pipe.detect.findings import TABLE, finding_table
from ocsf_pipe.detect.grouping import digest
from ocsf_pipe.errors import FencedError, LakeError
from ocsf_pipe.lake import Lake
from ocsf_pipe.run.batch import now
from ocsf_pipe.run.cursor import Cursor
from ocsf_pipe.schema import Schema, load

SOURCE = "ocsf_pipe.contracts"
"""The `source` of these findings."""
_ATTEMPTS = 15
_PROFILE = "ai_audit/ai_tool"
_RULES: dict[str, tuple[str, int, str, tuple[str, ...]]] = {
    # what it is: title, severity, its word, techniques of ATLAS
    "unapproved_server": ("MCP server is not approved", 4, "High", ("aml.t0010.005", "aml.t0011.002")),
    "changed_tool": ("Contract of an approved tool changed", 4, "High", ("aml.t0109", "aml.t0110")),
    "shadowed_tool": ("Two servers have a tool of one name", 4, "High", ("aml.t0110",)),
    "new_tool": ("Approved server has a new tool", 3, "Medium", ("aml.t0110",)),
    "missing_tool": ("Approved tool is gone", 2, "Low", ()),
}
_MARKS = ("inputSchema", "tool.definitions", "json_schema", "input_schema", "serverInfo", "toolSpec")


def lake_listings(lake: Lake, since: datetime | None = None, server: str = "") -> list[Listing]:
    """Return the lists of tools in the raw records of a lake, with their times and events."""
    if "api_activity" not in lake.tables():
        return []
    marks = " or ".join(f"contains(raw_data, '{mark}')" for mark in _MARKS)
    # Additional events of a record repeat it; the first one tells of it.
    query = (
        "select raw_data, min(time) as time, min_by(metadata.uid, time) as uid from api_activity "
        f"where time >= $since and ({marks}) group by raw_data order by time"
    )
    after = int(since.timestamp() * 1000) if since is not None else -(1 << 62)
    rows = lake.sql(query, {"since": after}).to_pylist()
    return listings(((row["raw_data"], row["time"], row["uid"]) for row in rows), server)


def write_findings(lake: Lake, found: Sequence[Difference]) -> int:
    """Write what is not in the lake yet; return how many findings that were.

    Several may write at once: one that takes the other for dead ends its step, and what it had is written anew.
    """
    cursor = Cursor(lake, "ai-tools", "ai:tools", "findings", TABLE)
    schema = load()
    written = 0
    for attempt in range(_ATTEMPTS):
        time.sleep(random.uniform(0, 0.3 * attempt))  # noqa: S311 - so that two do not take each other for dead for ever
        step, last, versions = cursor.at()
        known, clock = _known(lake), now()
        rows = [row for one in found if (row := finding(one, schema, clock))["metadata"]["uid"] not in known]
        if not rows:
            return written
        counts = {"findings": len(rows), "tables": {TABLE: len(rows)}}
        try:
            txn = cursor.begin(step, last, versions, counts, "1", clock, [row["metadata"]["uid"] for row in rows])
        except FencedError:
            continue
        lake.commit(txn, {TABLE: finding_table(rows)})
        cursor.finish(txn, counts)
        written = len(rows)
    raise LakeError("others write findings of tools all the time", "try again")


def finding(one: Difference, schema: Schema, clock: int) -> dict[str, Any]:
    """Return a difference as an OCSF Detection Finding; `clock` is the time of the run in epoch ms."""
    title, severity, word, techniques = _RULES[one.what]
    kind = schema.event_class(TABLE)
    uid, at = digest("ai-tools", *one.identity()), one.time or clock
    message = told(one).partition("\n")[0]
    row = {
        **_dated("time", at),
        "class_uid": kind.uid,
        "class_name": kind.caption,
        "category_uid": kind.category_uid,
        "category_name": kind.category_caption,
        "activity_id": 1,
        "activity_name": "Create",
        "type_uid": kind.uid * 100 + 1,
        "type_name": f"{kind.caption}: Create",
        "severity_id": severity,
        "severity": word,
        "status_id": 1,
        "status": "New",
        "message": message,
        "is_alert": True,
        "ai_tool": _ai_tool(one),
        "finding_info": {
            "uid": uid,
            "title": title,
            "desc": message,
            "types": [one.what],
            "analytic": {"uid": f"ai-tools/{one.what}", "name": title, "type_id": 1, "type": "Rule"},
            "attacks": attacks(techniques),
            **_dated("created_time", clock),
            **_dated("first_seen_time", at),
            "related_events": [{"uid": one.event, "type": "api_activity"}] if one.event else [],
        },
        "evidences": [
            {"api": {"operation": "tools/list", "service": {"name": one.server}}, "data": json.dumps(_said(one))}
        ],
        "metadata": {
            "uid": uid,
            "version": schema.version,
            "product": {"name": "ocsf-pipe", "vendor_name": "ocsf-pipe"},
            "profiles": [*([_PROFILE] if one.tool else []), "datetime"],
            "extensions": [_extension(schema)] if one.tool else [],
            **_dated("processed_time", clock),
        },
        "source": SOURCE,
    }
    found: dict[str, Any] = without_nulls(row)
    return found


def _extension(schema: Schema) -> dict[str, Any] | None:
    found = schema.extension_of(_PROFILE)
    return {"name": found.name, "uid": found.uid, "version": found.version} if found is not None else None


def _ai_tool(one: Difference) -> dict[str, Any] | None:
    if not one.tool:
        return None
    seen = one.found or one.locked
    hints: Any = seen.definition.get("annotations") if seen is not None else None
    hints = hints if isinstance(hints, dict) else {}
    return {
        "name": one.tool,
        "type_id": 1,
        "type": "Tool",
        "service": {"name": one.server},
        "is_readonly": _yes_or_no(hints.get("readOnlyHint")),
        "is_destructive": _yes_or_no(hints.get("destructiveHint")),
        "is_idempotent": _yes_or_no(hints.get("idempotentHint")),
        "is_open_world": _yes_or_no(hints.get("openWorldHint")),
        "desc_fingerprint": _sha256(one.found.part("description") if one.found else None),
        "input_schema_fingerprint": _sha256(one.found.part("inputSchema") if one.found else None),
        "output_schema_fingerprint": _sha256(one.found.part("outputSchema") if one.found else None),
        "baseline_fingerprint": _sha256(one.locked.contract if one.locked else None),
    }


def _said(one: Difference) -> dict[str, Any]:
    """What was approved and what was found, to be read without the lockfile."""
    return {
        "changed": list(one.parts),
        "found": dict(one.found.definition) if one.found else None,
        "locked": dict(one.locked.definition) if one.locked else None,
        "other_servers": list(one.others),
    }


def _sha256(value: str | None) -> dict[str, Any] | None:
    return {"algorithm_id": 3, "algorithm": "SHA-256", "value": value} if value is not None else None


def _yes_or_no(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _known(lake: Lake) -> set[str]:
    # A table that a step made and did not fill has no such columns yet.
    columns = lake.sql(f"select * from {TABLE} limit 0").column_names if TABLE in lake.tables() else []
    if not {"source", "metadata"} <= set(columns):
        return set()
    rows = lake.sql(f"select metadata.uid as uid from {TABLE} where source = $source", {"source": SOURCE})
    return set(rows["uid"].to_pylist())


def _dated(name: str, at: int) -> dict[str, Any]:
    return {name: at, f"{name}_dt": datetime.fromtimestamp(at / 1000, UTC)}


def file_listings(files: Iterable[bytes], server: str = "") -> list[Listing]:
    """Return the lists of tools in files, each for itself: who introduced itself in one says nothing of another."""
    return [one for data in files for one in listings(((value, None, None) for value in read_lines(data)), server)]
