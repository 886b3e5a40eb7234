"""A bundle as Markdown for people and as JSON for programs, with a manifest of their hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ocsf_pipe.detect.incident import Bundle
from ocsf_pipe.detect.telling import words_of

LONGEST = 160
_MOST_TOUCHED = 60


def write(bundle: Bundle, folder: Path) -> list[Path]:
    """Write `incident.md`, `incident.json` and `manifest.json`, which has the SHA-256 of both; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"incident.md": markdown(bundle), "incident.json": json_text(bundle)}
    sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    texts["manifest.json"] = json.dumps({"algorithm": "SHA-256", "files": sums}, indent=2) + "\n"
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def json_text(bundle: Bundle) -> str:
    """The whole bundle as one JSON object."""
    said: dict[str, Any] = asdict(bundle)
    return json.dumps(said, ensure_ascii=False, indent=2, default=str) + "\n"


def markdown(bundle: Bundle) -> str:
    """The bundle as a page."""
    return "\n".join(_lines(bundle)) + "\n"


def _lines(bundle: Bundle) -> Iterator[str]:
    worst = max(bundle.findings, key=lambda one: (one.get("severity_id", 0), one.get("risk_score", 0)))
    yield f"# {worst.get('message', 'Incident')}"
    yield ""
    yield f"Incident `{worst['metadata'].get('correlation_uid', worst['metadata']['uid'])}`"
    yield f", {len(bundle.findings)} finding{'s' * (len(bundle.findings) > 1)}"
    yield f", from {_when(bundle.first)} to {_when(bundle.last)}"
    for kind, values in bundle.pivots.items():
        yield f"- {kind}: " + ", ".join(_code(value) for value in values)
    yield from ("", "## Findings", "")
    for one in bundle.findings:
        yield "- " + words_of(_whole(one)).replace("\n", "\n  ")
    yield from ("", "## Timeline", "", "Evidence is marked ●.", "")
    yield from ("| time | | who | what | source | event | SHA-256 |", "|---|---|---|---|---|---|---|")
    for step in bundle.timeline:
        mark = "●" if step.is_evidence else ""
        cells = (_when(step.time), mark, _cell(step.who), _cell(step.what), step.source, _code(step.uid[:12]))
        yield f"| {' | '.join(cells)} | {_code(step.sha256[:16])} |"
    if bundle.more:
        yield from ("", f"{bundle.more} more events of the time are left out: those farthest from the evidence.")
    yield from ("", "## Blast radius", "", "| what | value | events | first | last | in the 30 days before |")
    yield "|---|---|---|---|---|---|"
    for what in bundle.touched[:_MOST_TOUCHED]:
        seen = "yes" if what.known_before else "**no**"
        times = f"{_when(what.first)} | {_when(what.last)}"
        yield f"| {what.kind} | {_cell(what.value)} | {what.events} | {times} | {seen} |"
    if len(bundle.touched) > _MOST_TOUCHED:
        yield from ("", f"{len(bundle.touched) - _MOST_TOUCHED} more are in incident.json.")


def _whole(message: Any) -> Any:
    """A finding of others may lack what our own have."""
    usual = {"severity": "Unknown", "message": message["finding_info"].get("title", ""), "risk_score": "unknown"}
    return {**usual, "time_dt": _when(message["time"]), **message}


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _code(text: str) -> str:
    return "`" + text.replace("`", "'") + "`"


def _cell(text: str) -> str:
    """A text that breaks no table: no bar, no line end, no mark-up that a browser would follow."""
    short = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    for mark, instead in (
        ("\\", "\\\\"),
        ("|", "\\|"),
        ("<", "&lt;"),
        ("`", "'"),
        ("[", "\\["),
        ("\r", " "),
        ("\n", " "),
    ):
        short = short.replace(mark, instead)
    return short
