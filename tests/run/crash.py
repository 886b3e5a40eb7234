"""A run that dies at a chosen step: before or after anything that it does to the lake."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from ocsf_pipe.lake import write
from ocsf_pipe.lake.store import LocalStore
from ocsf_pipe.run import files


class Died(BaseException):
    """The process is no more."""


class Steps:
    """Counts the steps of a run and ends it at one of them: step 2n is before, step 2n+1 behind the n-th change."""

    def __init__(self, die_at: int | None, end: Callable[[], None]) -> None:
        self.die_at, self.end, self.count = die_at, end, 0

    def step(self) -> None:
        """Take one step, the last perhaps."""
        self.count += 1
        if self.count - 1 == self.die_at:
            self.end()

    def around(self, action: Callable[..., Any]) -> Callable[..., Any]:
        """The action with a step before and one behind it."""

        def stepped(*args: Any, **kwargs: Any) -> Any:
            self.step()
            found = action(*args, **kwargs)
            self.step()
            return found

        return stepped

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Step at every file that is put, written or deleted, at every new table or column and at every commit."""
        for name in ("put_new", "delete", "settle"):
            patch.setattr(LocalStore, name, self.around(getattr(LocalStore, name)))
        for name in ("write_day", "write_deltalake", "append"):
            patch.setattr(write, name, self.around(getattr(write, name)))
        patch.setattr(DeltaTable, "create", self.around(DeltaTable.create))


def died(run: Callable[[], object], die_at: int | None) -> int | None:
    """Run until a step; return None where it died there, or the number of steps that it took."""

    def end() -> None:
        raise Died

    steps = Steps(die_at, end)
    with pytest.MonkeyPatch.context() as patch:
        steps.watch(patch)
        try:
            run()
        except Died:
            return None
    return steps.count


def killed() -> None:
    """End this process as a power cut does: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def make_big(patch: pytest.MonkeyPatch) -> None:
    """Let files of a few hundred bytes be big ones."""
    patch.setattr(files, "SMALL", 100)
    patch.setattr(files, "_PIECE", 100)


def main(what: str, lake: str, file: str, die_at: int) -> None:
    """Ingest a small file or a big one, or replay the quarantine, in this process, and be killed at a step."""
    from ocsf_pipe.lake import Lake
    from ocsf_pipe.mapping.catalogue import find_mapping
    from ocsf_pipe.run.replay import Replay
    from tests.run.acme import taken_in

    steps = Steps(die_at, killed)
    with pytest.MonkeyPatch.context() as patch:
        steps.watch(patch)
        if what == "replay":
            Replay(Lake(lake), find_mapping("acme.door")).run()
        else:
            if what == "big":
                make_big(patch)
            taken_in(Path(lake), Path(file))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
