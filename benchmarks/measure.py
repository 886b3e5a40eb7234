"""What a command costs: CPU seconds of all its threads and children, wall seconds, peak memory."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "benchmarks" / "data"
PROGRAM = (sys.executable, "-c", "import sys; from ocsf_pipe.cli import main; sys.exit(main())")
"""The command line program, run by this Python."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One run: CPU and wall time in seconds, the largest resident set in MB."""

    cpu: float
    wall: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Contender:
    """A name for the table, the command to measure, and what makes room for it (not measured)."""

    name: str
    command: Sequence[str]
    prepare: Callable[[], object] = lambda: None


def measure(command: Sequence[str]) -> Cost:
    """Run a command from the root of the checkout and return its cost; a command that fails ends the benchmark."""
    started = time.perf_counter()
    # Not `subprocess.run`: only wait4 gives the usage of this one child, its own children included.
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{complaint.decode(errors='replace')[-2000:]}\nexit code {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss / 1024)


def rounds(contenders: Sequence[Contender], count: int) -> dict[str, list[Cost]]:
    """Measure every contender `count` times, in turn, so that a busy minute of the machine meets them all."""
    costs: dict[str, list[Cost]] = {contender.name: [] for contender in contenders}
    for _ in range(count):
        for contender in contenders:
            contender.prepare()
            costs[contender.name].append(measure(contender.command))
    return costs


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure by itself."""
    return Cost(
        *(round(statistics.median(getattr(cost, name) for cost in costs), 3) for name in ("cpu", "wall", "peak_mb"))
    )


def circumstances(packages: Sequence[str]) -> Mapping[str, object]:
    """Return what a reader needs to judge the figures: commit, machine, versions."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--", "ocsf_pipe", "mappings")),
        "machine": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
        },
        "versions": {name: _version(name) for name in packages},
    }


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607  # whichever git the developer uses


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
