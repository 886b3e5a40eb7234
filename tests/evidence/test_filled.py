"""An attribute is there where an event has a value in it, at whatever depth."""

from __future__ import annotations

import pyarrow as pa
import pytest

from ocsf_pipe.evidence.filled import Filled
from ocsf_pipe.lake import Lake
from tests.lake.parts import NOW, run, txn

EVENTS = pa.Table.from_pylist(
    [
        {
            "time": NOW,
            "source": "a.b",
            "actor": {"user": {"name": "x"}},
            "tools": [{"name": None}, {"name": "t"}],
            "n": 0,
        },
        {"time": NOW + 1, "source": "a.b", "actor": {"user": {"name": ""}}, "tools": [{"name": None}], "n": None},
        {"time": NOW + 2, "source": "c.d", "actor": None, "tools": None, "n": 1},
        {"time": NOW + 3, "source": "ocsf_pipe.detect", "actor": None, "tools": None, "n": 1},
    ]
)


@pytest.mark.parametrize(
    ("path", "filled"),
    [
        ("actor.user.name", [1, 0]),
        ("actor.user", [2, 0]),
        ("tools.name", [1, 0]),
        ("n", [1, 1]),
        ("actor.user.colour", [0, 0]),
        ("colour", [0, 0]),
    ],
)
def test_what_is_filled(tmp_path: object, path: str, filled: list[int]) -> None:
    """Empty text is nothing, zero is something; a list has what one element has; a column nobody set is empty."""
    lake = Lake(f"{tmp_path}/lake", create=True)
    run(lake, txn(0), {"api_activity": EVENTS})
    name = f"api_activity.{path}"
    found = Filled(lake).count([name])[name]
    assert [(one.source, one.events) for one in found] == [("a.b", 2), ("c.d", 1)]
    assert [one.filled for one in found] == filled
    assert [one.events for one in Filled(lake, since=NOW + 1, until=NOW + 2).count([name])[name]] == [1]


def test_what_becomes_of_content_is_counted_by_source(tmp_path: object) -> None:
    """A source that says nothing of it is not there."""
    lake = Lake(f"{tmp_path}/lake", create=True)
    tiers = [("a.b", "Sealed"), ("a.b", "Stored"), ("a.b", "Sealed"), ("c.d", None)]
    rows = [{"time": NOW, "source": source, "content_tier": tier} for source, tier in tiers]
    run(lake, txn(0), {"api_activity": pa.Table.from_pylist(rows)})
    assert Filled(lake).tiers() == {"a.b": {"Sealed": 2, "Stored": 1}}


def test_a_table_that_is_not_there_has_no_events(tmp_path: object) -> None:
    """Nothing was asked, so nothing is said to be empty."""
    assert Filled(Lake(f"{tmp_path}/lake", create=True)).count(["api_activity.time"]) == {"api_activity.time": []}
