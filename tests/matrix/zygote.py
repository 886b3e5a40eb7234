"""Processes to be killed, hundreds of them: one process imports everything and forks a child for every job.

A job is one JSON line on standard input: `what` (run, serve, compact, vacuum, retain, replay), `pipeline` (a file) or
`lake`, `mappings` (a folder), `environment`, and `die_at`, the step at which the child is killed by SIGKILL, or null.
The first line of the answer says its `pid`, so that it can be killed from outside too; the second its `code`, negative
for a signal, the `steps` that it took, and the last `place` that it was at.

Nothing that starts a thread may happen before the fork: imports only.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ocsf_connectors import CONNECTORS
from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import find_mapping
from ocsf_pipe.run import worker
from ocsf_pipe.run.pipeline import load_pipeline
from ocsf_pipe.run.pipeline_signals import Signals
from ocsf_pipe.run.replay import Replay
from ocsf_pipe.run.running import run_pipeline
from ocsf_pipe.run.telemetry import Telemetry
from tests.matrix.sendings import FORGOTTEN
from tests.matrix.steps import NamedSteps, Recorder
from tests.run.crash import killed

for _needed in [*CONNECTORS.values(), "boto3", "botocore.auth", "nats.aio.client"]:
    if find_spec(_needed.split(".")[0]):
        import_module(_needed)


def upkeep(lake: Lake, what: str) -> None:
    """Do one kind of upkeep on every table; give way to another that is at work on it."""
    work: dict[str, Callable[[str], object]]
    days = (dt.datetime.now(dt.UTC).date() - FORGOTTEN).days
    work = {
        "compact": lake.compact,
        "vacuum": lambda table: lake.vacuum(table, hours=0),
        "retain": lambda table: lake.retain(table, days),
    }
    for table in lake.tables():
        try:
            work[what](table)
        except LakeError as error:
            if "another rewrite" not in str(error):
                raise


def run(path: str, *, once: bool) -> None:
    """Run a pipeline until nothing is left, or until it is told to stop."""
    pipeline = load_pipeline(Path(path))
    stop, reload = threading.Event(), threading.Event()
    with Signals(stop, reload):
        run_pipeline(pipeline, telemetry=Telemetry(pipeline.name), stop=stop, reload=reload, once=once)


def work(job: dict[str, Any], steps: NamedSteps) -> None:
    """Do one job, step by step."""
    with pytest.MonkeyPatch.context() as patch:
        steps.watch(patch)
        for name, seconds in {"QUIET": 0.5, "ASK_EVERY": 0.2, "FIRST_WAIT": 0.1, "LONGEST_WAIT": 1.0}.items():
            patch.setattr(worker, name, seconds)
        patch.setattr(worker, "ENOUGH", job["enough"])
        if job["what"] in ("run", "serve"):
            run(job["pipeline"], once=job["what"] == "run")
        elif job["what"] == "replay":
            Replay(Lake(job["lake"]), find_mapping("acme.door")).run()
        else:
            upkeep(Lake(job["lake"]), job["what"])


def child(job: dict[str, Any], told: int) -> None:
    """Do one job in a process of its own, which never returns."""
    code = 1
    try:
        os.environ.update(job["environment"])
        os.environ["OCSF_PIPE_MAPPINGS"] = job["mappings"]
        work(job, NamedSteps(job["what"], Recorder(told, job["die_at"], killed)))
        code = 0
    except BaseException:  # noqa: BLE001 - it is printed, and the code says it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def answer(said: dict[str, Any]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answer jobs until the input ends."""
    for line in sys.stdin:
        with tempfile.TemporaryFile() as told:
            pid = os.fork()
            if pid == 0:
                child(json.loads(line), told.fileno())
            answer({"pid": pid})
            status = os.waitpid(pid, 0)[1]
            found = os.pread(told.fileno(), 200, 0).decode()
        steps, place = int(found[:7] or 0), found[7:].strip()
        answer({"code": os.waitstatus_to_exitcode(status), "steps": steps, "place": place})


if __name__ == "__main__":
    main()
