"""Jobs for the zygote: do one, and have it killed at a step or after a while."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Zygote:
    """A process that has everything imported and forks children that do jobs."""

    process: subprocess.Popen[str]
    log: Path

    @staticmethod
    def started(log: Path, mappings: Path) -> Zygote:
        """Start one; its children find the mappings of these tests, and write what goes wrong into the log."""
        paths = [str(ROOT), str(ROOT / "connectors"), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OCSF_PIPE_MAPPINGS": str(mappings)}
        with log.open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.matrix.zygote"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=ROOT,
            )  # fmt: skip
        return Zygote(process, log)

    def do(self, what: str, place: Path, die_at: int | None = None, kill_after: float | None = None) -> tuple[int, int]:
        """Do a job to its end, or until it is killed; return its code and the number of steps it took."""
        job = {"what": what, "pipeline": str(place), "lake": str(place), "die_at": die_at}
        self._pipe("stdin").write(json.dumps(job) + "\n")
        self._pipe("stdin").flush()
        pid = self._answer()["pid"]
        timer = threading.Timer(kill_after or 0.0, os.kill, (pid, signal.SIGKILL))
        if kill_after is not None:
            timer.start()
        try:
            answer = self._answer()
        finally:
            timer.cancel()
        return answer["code"], answer["steps"]

    def close(self) -> None:
        """End the process."""
        self._pipe("stdin").close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self._pipe("stdout").close()

    def _answer(self) -> dict[str, Any]:
        line = self._pipe("stdout").readline()
        if not line:
            raise RuntimeError(f"the zygote ended with {self.process.wait(10)}")
        found: dict[str, Any] = json.loads(line)
        return found

    def _pipe(self, name: str) -> IO[str]:
        pipe: IO[str] | None = getattr(self.process, name)
        assert pipe is not None
        return pipe
