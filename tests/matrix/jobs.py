"""Jobs for the zygote: do one, and have it killed at a step or after a while."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
KILLED = -9


@dataclass(frozen=True, slots=True)
class Done:
    """How a job ended: its code, negative for a signal; the steps that it took; the last place that it was at."""

    code: int
    steps: int
    place: str


@dataclass(slots=True)
class Zygote:
    """A process that has everything imported and forks children that do jobs, one at a time."""

    process: subprocess.Popen[str]
    log: Path
    mappings: Path
    environment: dict[str, str] = field(default_factory=dict)
    enough: int = 5
    """Failures in a row after which a job gives up."""

    @staticmethod
    def started(log: Path, mappings: Path) -> Zygote:
        """Start one; its children find the mappings of these tests, and write what goes wrong into the log."""
        paths = [str(ROOT), str(ROOT / "connectors"), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        with log.open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.matrix.zygote"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=ROOT,
            )  # fmt: skip
        return Zygote(process, log, mappings)

    def do(
        self, what: str, place: Path | str, *, die_at: int | None = None, kill_after: float | None = None,
        mappings: Path | None = None,
    ) -> Done:  # fmt: skip
        """Do a job to its end, or until it is killed."""
        pid = self.begin(what, place, die_at=die_at, mappings=mappings)
        timer = threading.Timer(kill_after or 0.0, self._kill, (pid,))
        if kill_after is not None:
            timer.start()
        try:
            return self.end()
        finally:
            timer.cancel()

    def begin(
        self, what: str, place: Path | str, *, die_at: int | None = None, mappings: Path | None = None
    ) -> int:  # fmt: skip
        """Begin a job; return the id of the process that does it."""
        job = {"what": what, "pipeline": str(place), "lake": str(place), "die_at": die_at, "enough": self.enough,
               "mappings": str(mappings or self.mappings), "environment": self.environment}  # fmt: skip
        self._pipe("stdin").write(json.dumps(job) + "\n")
        self._pipe("stdin").flush()
        pid: int = self._answer()["pid"]
        return pid

    def end(self) -> Done:
        """Wait for the end of the job that was begun."""
        return Done(**self._answer())

    def complaints(self) -> str:
        """The end of what the children wrote."""
        return self.log.read_text(errors="replace")[-6000:]

    def close(self) -> None:
        """End the process."""
        self._pipe("stdin").close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self._pipe("stdout").close()

    def _kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _answer(self) -> dict[str, Any]:
        line = self._pipe("stdout").readline()
        if not line:
            raise RuntimeError(f"the zygote ended with {self.process.wait(10)}: {self.complaints()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def _pipe(self, name: str) -> IO[str]:
        pipe: IO[str] | None = getattr(self.process, name)
        assert pipe is not None
        return pipe
