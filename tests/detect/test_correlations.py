"""Correlations slide over time, fire at the rising edge, and lose no burst at a window's edge."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ocsf_pipe.detect.rules import load_rules
from tests.detect.events import Event, lake, outcomes, sysmon

START = datetime(2026, 2, 10, tzinfo=UTC)
BASE = """title: {title}
name: {name}
logsource: {{product: windows, category: dns_query}}
detection:
    s: {{QueryName|contains: '{name}'}}
    condition: s
"""


def query(name: str, second: float, *, image: str = "C:\\a.exe", record: int = 0) -> Event:
    """A name that a process asked for."""
    at = (START + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return sysmon(22, at=at, record=record, QueryName=name, Image=image, ProcessId="1")


def fires(folder: Path, correlation: str, events: list[Event], names: tuple[str, ...] = ("alpha",)) -> int:
    """How often the correlation over the rules of these names fires."""
    for name in names:
        (folder / f"{name}.yml").write_text(BASE.format(title=name, name=name), encoding="utf-8")
    text = f"title: C\nname: c\ncorrelation:\n    rules: [{', '.join(names)}]\n    timespan: 1m\n{correlation}"
    (folder / "correlation.yml").write_text(text, encoding="utf-8")
    found = {one.rule.title: one for one in outcomes(lake("microsoft.sysmon", events), load_rules([folder]))}
    assert set(found) == {"C"}, "rules that serve a correlation are silent"
    assert found["C"].error is None
    assert found["C"].judged.state == "live"
    return found["C"].fires


COUNT = "    type: event_count\n    group-by: [Image]\n    condition: {gte: 3}\n"


def test_a_burst_across_a_full_minute_is_found(tmp_path: Path) -> None:
    """Two events before the minute turns and one behind it are three within a minute."""
    assert fires(tmp_path, COUNT, [query("alpha", second) for second in (50, 58, 61)]) == 1


def test_a_burst_fires_once(tmp_path: Path) -> None:
    """Ten events in ten seconds are one burst; ten more an hour later another."""
    events = [query("alpha", second) for second in (*range(10), *range(3600, 3610))]
    assert fires(tmp_path, COUNT, events) == 2


def test_groups_are_apart(tmp_path: Path) -> None:
    """Three events of three processes are no burst of one."""
    events = [query("alpha", i, image=f"C:\\{i}.exe") for i in range(3)]
    assert fires(tmp_path, COUNT, events) == 0


def test_a_window_is_as_long_as_it_says(tmp_path: Path) -> None:
    """Its both ends belong to it; a second more is too much."""
    assert fires(tmp_path, COUNT, [query("alpha", second) for second in (0, 30, 60)]) == 1
    assert fires(tmp_path, COUNT, [query("alpha", second) for second in (0, 30, 61)]) == 0


def test_single_events_far_apart_are_each_an_edge(tmp_path: Path) -> None:
    """What ends between two events has ended, though no event says so."""
    once = "    type: event_count\n    group-by: [Image]\n    condition: {gte: 1}\n"
    assert fires(tmp_path, once, [query("alpha", second) for second in (0, 30, 500)]) == 2


def test_every_planted_burst_at_an_edge_is_found(tmp_path: Path) -> None:
    """300 bursts, each across the turn of a minute, written out of order."""
    chance = random.Random(5)
    events = []
    for burst in range(300):
        turn = 60 * (1 + 5 * burst)
        seconds = (chance.uniform(-25, -1), chance.uniform(0, 25), chance.uniform(-25, 25))
        events += [query("alpha", turn + one, image=f"C:\\{burst}.exe") for one in seconds]
    chance.shuffle(events)
    assert fires(tmp_path, COUNT, events) == 300


def test_values_are_counted_once_each(tmp_path: Path) -> None:
    """Five queries for two names are two values."""
    correlation = "    type: value_count\n    group-by: [Image]\n    condition: {gte: 3, field: QueryName}\n"
    two = [query(f"alpha{i % 2}", i) for i in range(5)]
    assert fires(tmp_path, correlation, two) == 0
    assert fires(tmp_path, correlation, [*two, query("alpha9", 6)]) == 1


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("value_sum\n    condition: {gte: 6, field: ProcessId}", 1),
        ("value_sum\n    condition: {gt: 6, field: ProcessId}", 0),
        ("value_avg\n    condition: {gte: 1, field: ProcessId}", 1),
        ("value_percentile\n    condition: {gte: 1, field: ProcessId, percentile: 95}", 1),
    ],
)
def test_numbers_of_the_window(condition: str, wanted: int, tmp_path: Path) -> None:
    """Sums, averages and percentiles of a field that holds numbers."""
    events = [query("alpha", i) for i in range(6)]
    assert fires(tmp_path, f"    group-by: [Image]\n    type: {condition}\n", events) == wanted


PAIR = ("alpha", "beta")


def test_rules_that_fire_together(tmp_path: Path) -> None:
    """In any order, within the window, of one group."""
    correlation = "    type: temporal\n    group-by: [Image]\n"
    assert fires(tmp_path, correlation, [query("beta", 0), query("alpha", 40)], PAIR) == 1
    assert fires(tmp_path, correlation, [query("beta", 0), query("alpha", 90)], PAIR) == 0
    assert fires(tmp_path, correlation, [query("beta", 0), query("alpha", 9, image="C:\\b.exe")], PAIR) == 0


def test_rules_that_fire_in_order(tmp_path: Path) -> None:
    """The order of the list, whatever else lies between."""
    correlation = "    type: temporal_ordered\n    group-by: [Image]\n"
    assert fires(tmp_path, correlation, [query("alpha", 0), query("alpha", 20), query("beta", 70)], PAIR) == 1
    assert fires(tmp_path, correlation, [query("beta", 0), query("alpha", 40)], PAIR) == 0
    assert fires(tmp_path, correlation, [query("alpha", 0), query("beta", 70)], PAIR) == 0


def test_a_condition_of_words(tmp_path: Path) -> None:
    """One rule without another."""
    correlation = "    type: temporal\n    group-by: [Image]\n    condition: alpha and not beta\n"
    assert fires(tmp_path, correlation, [query("alpha", 0)], PAIR) == 1
    assert fires(tmp_path, correlation, [query("beta", 0), query("alpha", 40)], PAIR) == 0
