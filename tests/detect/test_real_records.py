"""On real records of every Windows log, rules over the tables fire on the records on which the oracle does.

just faithful                                all records, some minutes; a line of progress for each piece
pytest -m heavy -n 0 -k some_of_each_file    some of each file, half a minute
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.detect.faithful import Difference, Windows, pieces, windows_files

SHARED = Path(__file__).parents[2].parent / "shared"
CORPORA = Path(os.environ.get("OCSF_PIPE_CORPORA") or SHARED / "corpora")
SIGMA = Path(os.environ.get("OCSF_PIPE_SIGMA") or SHARED / "sigma")
SOME = 100


@cache
def _windows(share: int) -> Windows:
    return Windows.of(SIGMA, share)


def _differences(folders: Sequence[Path], most: int | None, share: int) -> Difference:
    """What is lost and added on the records below some folders, which must be there."""
    if not folders or not all(folder.is_dir() for folder in (*folders, SIGMA / "rules")):
        pytest.skip("there are no real records, or no rules, here")
    found, began = Difference(), time.monotonic()
    for records in pieces(windows_files(folders), most):
        found += _windows(share).compare(records)
        print(f"{time.monotonic() - began:4.0f} s: {found}", flush=True)  # noqa: T201 - the progress of minutes
    return found


def _is_faithful(folders: Sequence[Path], most: int | None = None, share: int = 1) -> None:
    found = _differences(folders, most, share)
    assert found.fires, "rules fire on real records"
    assert (found.refused, found.lost, found.added) == (0, {}, {}), str(found)


@pytest.mark.heavy
def test_some_of_each_file() -> None:
    """Of the first records of every file none is lost and none added, by every third rule."""
    _is_faithful(sorted(CORPORA.glob("windows_*")), SOME, 3)


@pytest.mark.heavy
@pytest.mark.parametrize(
    "folder",
    ["defender", "forwarded", "other", "powershell", "security", "sysmon"],
)
def test_every_record(folder: str) -> None:
    """Of all records of a log none is lost and none added."""
    _is_faithful([CORPORA / f"windows_{folder}"])


@pytest.mark.heavy
def test_every_regression_case() -> None:
    """Nor of the events that rules were written for, of which each fires: as log files and as JSON."""
    _is_faithful([SIGMA / "regression"])
