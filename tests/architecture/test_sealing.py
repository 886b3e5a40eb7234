"""Records reach an engine through the one door that seals them."""

from __future__ import annotations

import re

from tests.architecture.sources import ROOT

DOORS = re.compile(r"\b(?:DuckEngine|interpreted|interpret)\(|\breference\.interpret\b")


def test_what_runs_uses_no_engine_that_does_not_seal() -> None:
    """`Engine.run` seals; the engines behind it are for it and for tests, which seal by themselves."""
    rooms = [ROOT / "ocsf_pipe" / room for room in ("run", "cli", "lake", "detect")]
    files = [path for room in rooms for path in sorted(room.rglob("*.py"))]
    assert len(files) > 50
    assert [str(path) for path in files if DOORS.search(path.read_text(encoding="utf-8"))] == []
