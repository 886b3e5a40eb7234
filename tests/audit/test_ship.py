"""What was logged arrives once, though the listener is away or loses answers, and the application is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from ocsf_connectors.http import connect
from ocsf_pipe.audit import AuditLog
from ocsf_pipe.testing.connectors import context, drain
from tests.architecture.sources import ROOT
from tests.audit.listener import listening

APP = """
import sys, threading
from ocsf_pipe.audit import AuditLog
folder, url, name, threads = sys.argv[1:5]
log = AuditLog("bot", url=url, folder=folder, interval=0.005, segment_bytes=2000)
def talk(thread):
    number = 0
    while True:
        if log.write("said", {"name": f"{name}-{thread}-{number}"}):
            sys.stdout.write(f"{name}-{thread}-{number}\\n")
            sys.stdout.flush()
        number += 1
for thread in range(int(threads)):
    threading.Thread(target=talk, args=(thread,)).start()
"""


def until(holds: Callable[[], object], seconds: float = 15) -> None:
    """Wait for something; fail where it does not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def killed(folder: Path, url: str, name: str, seconds: float, out: Path) -> list[str]:
    """What an application had logged when it was killed after so many seconds: what `write` returned True for."""
    with out.open("wb") as said:
        app = subprocess.Popen([sys.executable, "-c", APP, str(folder), url, name, "3"], stdout=said, cwd=ROOT)
    try:
        until(lambda: out.stat().st_size)
        time.sleep(seconds)
    finally:
        app.send_signal(signal.SIGKILL)
        assert app.wait(10) == -signal.SIGKILL
    return [line.decode() for line in out.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def test_a_killed_application_loses_nothing(tmp_path: Path) -> None:
    """Killed again and again while it logs and ships, over one folder; the last process ships what is left.

    The listener is the pipeline's own. Every record that `write` answered for is there once, and so may be one more of
    each thread: the one whose answer was not heard.
    """
    state = tmp_path / "state"
    state.mkdir()
    source = connect({"listen": "127.0.0.1:0", "min_free": 0}, context(state))
    url = f"http://127.0.0.1:{source.address[1]}/ingest"
    dice = random.Random(4)
    logged: list[str] = []
    for number in range(6):
        said = killed(tmp_path / "spool", url, str(number), dice.uniform(0.05, 0.3), tmp_path / "said")
        logged += [line.strip() for line in said]
    with AuditLog("bot", url=url, folder=tmp_path / "spool") as last:
        last.tool("last")
        assert last.flush(20)
    arrived = Counter(
        record["name"] for text in drain(source).texts() if (record := json.loads(text))["kind"] == "said"
    )
    source.close()
    assert len(logged) > 100
    assert set(logged) <= set(arrived)
    assert max(arrived.values()) == 1
    assert len(arrived) <= len(logged) + 6 * 3


def test_a_lost_answer_is_asked_for_again(tmp_path: Path) -> None:
    """Under the same key, with the same bytes: the listener knows them."""
    with listening() as there, AuditLog("bot", url=there.url, folder=tmp_path / "s", interval=0.01) as log:
        there.answers += [(503, {}), (500, {}), (429, {"Retry-After": "0"})]
        log.tool("t")
        assert log.flush(10)
        assert len(there.attempts) == 4
        assert len(set(there.attempts)) == 1
        assert len(there.records()) == 1


def test_a_listener_that_says_when_is_waited_for(tmp_path: Path) -> None:
    """No request is made before."""
    with listening() as there, AuditLog("bot", url=there.url, folder=tmp_path / "s", interval=0.01) as log:
        there.answers.append((429, {"Retry-After": "1"}))
        log.tool("t")
        until(lambda: there.attempts)
        time.sleep(0.5)
        assert len(there.attempts) == 1
        assert log.flush(10)
        assert len(there.records()) == 1


def test_what_is_refused_is_kept_aside(tmp_path: Path) -> None:
    """It does not hold up the rest; the tally says why."""
    with listening() as there, AuditLog("bot", url=there.url, folder=tmp_path / "s", interval=0.01) as log:
        there.answers.append((413, {}))
        log.tool("first")
        until(lambda: log.tally.refused)
        log.tool("second")
        assert log.flush(10)
        assert [one["tool"]["name"] for one in there.records()] == ["second"]
        assert len(list(log.folder.glob("*.refused"))) == 1
        assert log.tally.last_error.startswith("413")


def test_an_absent_listener_costs_the_application_nothing(tmp_path: Path) -> None:
    """Records wait; when it is there, they come in order. Nothing waits for it, at the end neither."""
    log = AuditLog("bot", url="http://127.0.0.1:9/ingest", folder=tmp_path / "s", interval=0.01)
    began = time.monotonic()
    for number in range(500):
        log.tool(str(number))
    assert time.monotonic() - began < 5
    log.close(0.5)
    assert time.monotonic() - began < 8
    assert log.tally.shipped == 0
    with listening() as there, AuditLog("bot", url=there.url, folder=tmp_path / "s") as later:
        later.tool("last")
        assert later.flush(10)
        names = [one["tool"]["name"] for one in there.records()]
        assert names == [*map(str, range(500)), "last"]


def test_a_listener_that_never_answers_holds_nothing_up(tmp_path: Path) -> None:
    """`close` gives up after its time-out, and so does the end of the process."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        code = (
            "import sys; from ocsf_pipe.audit import AuditLog;"
            "log = AuditLog('bot', url=sys.argv[1], folder=sys.argv[2]); log.tool('t')"
        )
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/ingest"
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", code, url, str(tmp_path / "s")], cwd=ROOT, check=True, timeout=30)
        assert time.monotonic() - began < 6
    assert len(list((tmp_path / "s").glob("*.ready"))) == 1


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    """Neither takes what the other is still writing to, and each record is shipped once."""
    with listening() as there:
        log = AuditLog("bot", url=there.url, folder=tmp_path / "s", interval=0.005)
        code = (
            "import sys, time; from ocsf_pipe.audit import AuditLog;"
            "log = AuditLog('bot', url=sys.argv[1], folder=sys.argv[2], interval=0.005);"
            "[(log.tool(f'child-{n}'), time.sleep(0.001)) for n in range(200)]"
        )
        child = subprocess.Popen([sys.executable, "-c", code, there.url, str(tmp_path / "s")], cwd=ROOT)
        for number in range(200):
            log.tool(f"parent-{number}")
            time.sleep(0.001)
        assert child.wait(20) == 0
        assert log.flush(10)
        log.close()
        found = Counter(one["tool"]["name"] for one in there.records())
    assert len(found) == 400
    assert max(found.values()) == 1


def test_a_log_goes_on_after_it_was_closed(tmp_path: Path) -> None:
    """Closing sends what there is; it is no end."""
    with listening() as there:
        log = AuditLog("bot", url=there.url, folder=tmp_path / "s", interval=0.01)
        log.tool("a")
        log.close()
        log.tool("b")
        assert log.flush(10)
        log.close()
        assert [one["tool"]["name"] for one in there.records()] == ["a", "b"]


@pytest.mark.parametrize("fsync", ["always", "sealed", "never"])
def test_each_way_of_bringing_to_disk_ships(tmp_path: Path, fsync: str) -> None:
    """And a fourth is refused at once."""
    with listening() as there, AuditLog("b", url=there.url, folder=tmp_path / "s", interval=0.01, fsync=fsync) as log:
        for _ in range(20):
            log.tool("t")
        assert log.flush(10)
        assert len(there.records()) == 20
    with pytest.raises(ValueError, match="`often` is none of always, sealed, never"):
        AuditLog("b", folder=tmp_path / "s", fsync="often")


def test_a_forked_child_ships_too(tmp_path: Path) -> None:
    """Its thread and its connection are its own, though the parent had begun its."""
    with listening() as there:
        log = AuditLog("bot", url=there.url, folder=tmp_path / "s", interval=0.01)
        log.tool("before")
        assert log.flush(10)
        child = os.fork()
        if child == 0:
            log.tool("within")
            os._exit(0 if log.flush(10) else 1)
        assert os.waitpid(child, 0)[1] == 0
        log.tool("behind")
        assert log.flush(10)
        log.close()
        assert sorted(one["tool"]["name"] for one in there.records()) == ["before", "behind", "within"]
