"""Processes to be killed, hundreds of them: one process imports everything and forks a child for every job.

A job is one JSON line on standard input: `what` (run, compact, replay), `pipeline` (a file) or `lake` (a folder), and
`die_at`, the step at which the child is killed by SIGKILL, or null. The first line of the answer says its `pid`, so
that it can be killed from outside too; the second its `code`, negative for a signal, and the `steps` that it took.

Nothing that starts a thread may happen before the fork: imports only.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest

from ocsf_connectors import file, http, kafka  # noqa: F401 - loaded once for all children
from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import find_mapping
from ocsf_pipe.run import worker
from ocsf_pipe.run.pipeline import load_pipeline
from ocsf_pipe.run.replay import Replay
from ocsf_pipe.run.running import run_pipeline
from ocsf_pipe.run.telemetry import Telemetry
from ocsf_pipe.run.worker import Worker
from tests.run.crash import Steps, killed


def compact(lake: str) -> None:
    """Compact every table, then delete what that left over."""
    opened = Lake(lake)
    for table in opened.tables():
        opened.compact(table)
        opened.vacuum(table, hours=0)


def run(path: str) -> None:
    """Run a pipeline until nothing is left."""
    pipeline = load_pipeline(Path(path))
    telemetry = Telemetry(pipeline.name)
    run_pipeline(pipeline, telemetry=telemetry, stop=threading.Event(), reload=threading.Event(), once=True)


def work(job: dict[str, Any], steps: Steps) -> None:
    """Do one job, step by step."""
    with pytest.MonkeyPatch.context() as patch:
        steps.watch(patch)
        patch.setattr(worker, "QUIET", 0.5)
        for name in ("_mapped", "_acknowledged"):
            patch.setattr(Worker, name, steps.around(getattr(Worker, name)))
        if job["what"] == "run":
            run(job["pipeline"])
        elif job["what"] == "compact":
            compact(job["lake"])
        else:
            Replay(Lake(job["lake"]), find_mapping("acme.door")).run()


def child(job: dict[str, Any], told: int) -> None:
    """Do one job in a process of its own, which never returns."""
    code = 1
    try:
        steps = Steps(job["die_at"], killed)
        work(job, steps)
        os.write(told, str(steps.count).encode())
        code = 0
    except BaseException:  # noqa: BLE001 - it is printed, and the code says it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def answer(said: dict[str, int]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answer jobs until the input ends."""
    for line in sys.stdin:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            child(json.loads(line), writer)
        os.close(writer)
        answer({"pid": pid})
        status = os.waitpid(pid, 0)[1]
        steps = os.read(reader, 32)
        os.close(reader)
        answer({"code": os.waitstatus_to_exitcode(status), "steps": int(steps or 0)})


if __name__ == "__main__":
    main()
