"""Findings are neither lost nor doubled: killed at any step, raced by another process, fenced while slow."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ocsf_pipe.lake import Lake
from ocsf_pipe.run.detecting import SOURCE
from tests.detect.doors import detecting, findings, grow, once, rules_in
from tests.run.crash import died

BATCHES = (
    [("bad one", "08:00:00"), ("bad two", "08:00:10"), ("alpha", "09:00:00")],
    [("bad three", "08:00:05"), ("beta", "08:59:30")],
)
WANTED = {"A bad process": 3, "Many bad processes": 1, "Alpha and beta": 1}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of two batches, of the first of which the rules have been asked."""
    folder = tmp_path_factory.mktemp("begun")
    rules_in(folder)
    grow(folder, "a", BATCHES[0])
    assert once(folder) == 2
    grow(folder, "b", BATCHES[1])
    return folder


def counted(folder: Path) -> Counter[str]:
    """How often each rule has a finding; an id that stands twice would show."""
    rows = findings(folder)
    assert len({row["metadata"]["uid"] for row in rows}) == len(rows)
    return Counter(row["finding_info"]["title"] for row in rows)


def adds_up(folder: Path) -> bool:
    """Whether the lake has the rows that its finished batches wrote."""
    return all(verdict.holds for verdict in Lake(folder / "lake").verify())


def check_every(begun: Path, tmp_path: Path, stride: int) -> None:
    """Die at every so many steps, and go on."""
    shutil.copytree(begun, tmp_path / "whole")
    steps = died(lambda: once(tmp_path / "whole"), None)
    assert steps is not None
    assert steps > 20
    for step in range(0, steps, stride):
        folder = tmp_path / f"step{step}"
        shutil.copytree(begun, folder)
        assert died(lambda: once(folder), step) is None  # noqa: B023 - called at once
        once(folder)
        assert (counted(folder), adds_up(folder)) == (WANTED, True), step
        assert once(folder) == 0


def test_a_run_that_dies_is_gone_on_with(begun: Path, tmp_path: Path) -> None:
    """At some of its steps; `just torture` takes them all."""
    check_every(begun, tmp_path, 7)


@pytest.mark.heavy
def test_a_run_that_dies_at_any_step_is_gone_on_with(begun: Path, tmp_path: Path) -> None:
    """Before and behind everything that it does to the lake."""
    check_every(begun, tmp_path, 1)


@pytest.mark.heavy
def test_a_process_that_is_killed_is_gone_on_with(begun: Path, tmp_path: Path) -> None:
    """With SIGKILL, while it writes; twice, and then it may end."""
    for step in (8, 15, 22):
        folder = tmp_path / f"killed{step}"
        shutil.copytree(begun, folder)
        command = [sys.executable, "-m", "tests.detect.test_killed", str(folder), str(step)]
        for _ in range(2):
            done = subprocess.run(command, check=False, timeout=120)
            assert done.returncode in {-signal.SIGKILL, 0}
        once(folder)
        assert (counted(folder), adds_up(folder)) == (WANTED, True)


def test_another_that_gives_a_slow_one_up_is_not_doubled(begun: Path, tmp_path: Path) -> None:
    """One has begun its step and sleeps; another finds it half done, does the work; the first adds nothing."""
    folder = tmp_path / "raced"
    shutil.copytree(begun, folder)
    slow, fast = detecting(folder), detecting(folder)
    commit = slow.lake.commit

    def late(*args: object, **kwargs: object) -> object:
        for pace in fast.paces:
            fast.turn(pace, keep=True)
        return commit(*args, **kwargs)  # type: ignore[arg-type]

    slow.lake.commit = late  # type: ignore[method-assign, assignment]
    for pace in slow.paces:
        slow.turn(pace, keep=True)
    slow.lake.commit = commit  # type: ignore[method-assign]
    for pace in slow.paces:
        slow.turn(pace, keep=True)
    assert counted(folder) == WANTED
    assert once(folder) == 0


def test_where_a_run_stands_is_in_the_lake(begun: Path) -> None:
    """Under the name of its pipeline; nothing else is needed to go on."""
    parts = [name for name, _, _ in Lake(begun / "lake").checkpoints.partitions()]
    assert sum(SOURCE.replace(":", "%3A") in name for name in parts) >= 2


if __name__ == "__main__":
    import os

    from tests.run.crash import Steps

    steps = Steps(int(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.MonkeyPatch.context() as patch:
        steps.watch(patch)
        once(Path(sys.argv[1]))
