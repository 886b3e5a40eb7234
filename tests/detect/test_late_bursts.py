"""Bursts that come in pieces: out of order, some of their events long after others, asked about all the time."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.detect.doors import findings, grow, once

START = datetime(2026, 2, 10, tzinfo=UTC)
RULE = """title: A process
name: a_process
logsource: {product: windows, category: process_creation}
detection: {s: {CommandLine|startswith: 'run '}, condition: s}
---
title: Three within a minute
id: 66666666-8a4b-4e0b-9a55-0f4a1b2c3d4e
correlation:
  type: event_count
  rules: [a_process]
  group-by: [CommandLine]
  timespan: 1m
  condition: {gte: 3}
"""


def _planted(bursts: int) -> list[tuple[str, str]]:
    """Bursts across the turn of a minute, and beside each as many events that are a second too far apart."""
    chance, events = random.Random(7), []
    for burst in range(bursts):
        turn = START + timedelta(seconds=240 * (burst + 1))
        seconds = [chance.randint(-29, -1), chance.randint(0, 30), chance.randint(-29, 30)]
        events += [(f"run {burst}", turn + timedelta(seconds=one)) for one in seconds]
        events += [(f"run apart {burst}", turn + timedelta(seconds=one)) for one in (-31, 0, 30)]
    chance.shuffle(events)
    return [(command, at.strftime("%H:%M:%S")) for command, at in events]


@pytest.mark.parametrize("bursts", [30, pytest.param(300, marks=pytest.mark.heavy)])
def test_every_burst_is_found_once_whenever_its_events_come(bursts: int, tmp_path: Path) -> None:
    """All of them, at the edges of minutes, though their events are spread over four batches with a run behind each."""
    place = tmp_path / "rules" / "burst"
    place.mkdir(parents=True)
    (place / "rule.yml").write_text(RULE)
    events = _planted(bursts)
    found = []
    for batch in range(4):
        grow(tmp_path, f"batch{batch}", events[batch::4])
        found.append(once(tmp_path))
    assert sum(found) == bursts
    assert all(found), "each batch completes some"
    evidence = [sorted({one["process"]["cmd_line"] for one in row["evidences"]}) for row in findings(tmp_path)]
    assert Counter(map(tuple, evidence)) == {(f"run {burst}",): 1 for burst in range(bursts)}
