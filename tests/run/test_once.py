"""Every record is in the lake once: taken in twice, grown, rewritten, killed at any step, or raced by another."""

from __future__ import annotations

import bz2
import gzip
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from ocsf_pipe.errors import FencedError, LakeError
from ocsf_pipe.run import files
from tests.run.acme import MAPPING, line, lines, refused, taken_in, uids, verified, write_mapping
from tests.run.crash import died, make_big

BROKEN = b'{"door": "north", "at": \n'


@pytest.fixture(params=["small", "big"])
def small_limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Files are small, or big because hardly anything is small."""
    if request.param == "big":
        make_big(monkeypatch)
    return str(request.param)


@pytest.mark.usefixtures("small_limit")
def test_a_file_taken_in_twice_is_there_once(tmp_path: Path, lake: Path) -> None:
    """The second ingest skips it, unless it is told to take it in again."""
    path = tmp_path / "a.log"
    path.write_bytes(lines(range(30)) + BROKEN)
    first = taken_in(lake, path)
    assert (first.records, first.written, first.quarantined.total(), first.missing) == (31, 30, 1, 0)
    second = taken_in(lake, path)
    assert (second.records, second.skipped, second.files) == (0, 1, 0)
    assert sorted(uids(lake).values()) == [1] * 30
    assert taken_in(lake, path, again=True).written == 30
    assert len(uids(lake)) in {30, 60}
    assert uids(lake).total() == 60
    assert verified(lake)


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress], ids=["plain", "gzip", "bzip2"])
def test_a_grown_file_is_taken_in_from_where_it_ended(tmp_path: Path, lake: Path, pack: type[bytes]) -> None:
    """Whether it is text or one more packed member: what is new arrives, what was there does not again."""
    path = tmp_path / "a.log"
    path.write_bytes(pack(lines(range(20))))
    taken_in(lake, path)
    for start in (20, 30):
        with path.open("ab") as file:
            file.write(pack(lines(range(start, start + 10))))
        assert taken_in(lake, path).records == 10
    assert sorted(uids(lake).values()) == [1] * 40


def test_a_small_file_that_grows_big_goes_on_where_it_ended(
    tmp_path: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest of small files tells the big one where to begin, and later its own checkpoint does."""
    path = tmp_path / "a.log"
    path.write_bytes(lines(range(20)))
    taken_in(lake, path)
    make_big(monkeypatch)
    for start in (20, 50):
        with path.open("ab") as file:
            file.write(lines(range(start, start + 30)))
        assert taken_in(lake, path).records == 30
    assert taken_in(lake, path).records == 0
    assert sorted(uids(lake).values()) == [1] * 80


@pytest.mark.usefixtures("small_limit")
def test_another_file_in_the_same_place_is_taken_in_whole(
    tmp_path: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its first line is that of the old one, as every Zeek log's is."""
    monkeypatch.setattr(files, "_PIECE", 1000)
    path = tmp_path / "a.log"
    path.write_bytes(lines(range(20)))
    taken_in(lake, path)
    path.write_bytes(line(0) + lines(range(100, 130)))
    assert taken_in(lake, path).records == 31
    assert uids(lake).total() == 51


def test_a_line_that_is_appended_behind_one_without_an_end_is_a_record(tmp_path: Path, lake: Path) -> None:
    """The last line needs no newline, and is not taken in again when one follows."""
    path = tmp_path / "a.log"
    path.write_bytes(lines(range(3)).rstrip())
    assert taken_in(lake, path).written == 3
    with path.open("ab") as file:
        file.write(b"\n" + line(3))
    assert taken_in(lake, path).written == 1


# ------------------------------------------------------------------ a run that dies


def content() -> bytes:
    """Two classes, a dropped record, one for the quarantine."""
    return lines(range(12)) + BROKEN + line(99, kind="heartbeat")


def expected(path: Path, lake: Path) -> tuple[Counter[str], Counter[str]]:
    """The events and the refused records of an ingest that nothing disturbs."""
    taken_in(lake, path)
    return uids(lake), refused(lake)


def test_an_ingest_that_dies_at_any_step_is_finished_by_the_next(tmp_path: Path) -> None:
    """Behind every change to the lake: no record is lost, none is doubled, the account holds."""
    path = tmp_path / "a.log"
    path.write_bytes(content())
    whole = expected(path, tmp_path / "whole")
    steps = died(lambda: taken_in(tmp_path / "counted", path), None)
    assert steps is not None
    assert steps > 20
    for step in range(1, steps, 2):
        lake = tmp_path / f"lake-{step}"
        assert died(lambda lake=lake: taken_in(lake, path), step) is None  # type: ignore[misc]
        taken_in(lake, path)
        assert (uids(lake), refused(lake)) == whole, f"step {step}"
        assert taken_in(lake, path).records == 0
        assert verified(lake)


def killed(what: str, lake: Path, path: Path, step: int, checkout: Path) -> None:
    """Run in a process of its own and see it killed."""
    places = [str(checkout), str(checkout / "connectors"), os.environ.get("PYTHONPATH", "")]
    command = [sys.executable, "-m", "tests.run.crash", what, str(lake), str(path), str(step)]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(places)}, check=False)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize("step", [1, 9, 17])
def test_a_killed_ingest_is_finished_by_the_next(
    tmp_path: Path, step: int, checkout: Path, lake: Path, small_limit: str
) -> None:
    """The same where the process really dies, and big files too."""
    path = tmp_path / "a.log"
    path.write_bytes(content())
    whole = expected(path, tmp_path / "whole")
    killed(small_limit, lake, path, step, checkout)
    taken_in(lake, path)
    assert (uids(lake), refused(lake)) == whole
    assert verified(lake)


@pytest.mark.heavy
def test_an_ingest_killed_at_every_step_again_and_again(tmp_path: Path, checkout: Path, lake: Path) -> None:
    """A lake whose every ingest is killed one step later than the last has all records once in the end."""
    path = tmp_path / "a.log"
    path.write_bytes(content())
    whole = expected(path, tmp_path / "whole")
    for step in range(12):
        killed("small", lake, path, step, checkout)
    taken_in(lake, path)
    assert (uids(lake), refused(lake)) == whole


def test_a_mapping_that_changed_over_a_half_done_batch_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is mapped anew where no table has a part of it, and refused with a hint where one has."""
    path = tmp_path / "a.log"
    path.write_bytes(content())
    write_mapping(tmp_path / "new", MAPPING.replace("'Logon'", "'Logoff'"))
    steps = died(lambda: taken_in(tmp_path / "counted", path), None) or 0
    ends = Counter[str]()
    for step in range(0, steps, 3):
        lake = tmp_path / f"lake-{step}"
        died(lambda lake=lake: taken_in(lake, path), step)  # type: ignore[misc]
        try:
            with monkeypatch.context() as patch:
                patch.setenv("OCSF_PIPE_MAPPINGS", str(tmp_path / "new"))
                taken_in(lake, path)
            ends["redone"] += 1
        except LakeError as error:
            taken_in(lake, path)
            ends["refused" if "another version of its mapping" in str(error) else str(error)] += 1
        assert sorted(uids(lake).values()) == [1] * 12
        assert verified(lake)
    assert set(ends) == {"redone", "refused"}


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "rewritten"])
def test_a_file_that_is_gone_does_not_block_the_lake(tmp_path: Path, gone: bool) -> None:  # noqa: FBT001
    """A batch that no table has goes on without it; one that is half written waits for it, and says so."""
    path, other = tmp_path / "a.log", tmp_path / "b.log"
    path.write_bytes(content())
    other.write_bytes(lines(range(50, 55)))
    steps = died(lambda: taken_in(tmp_path / "counted", path), None) or 0
    ends = Counter[str]()
    for step in range(0, steps, 4):
        lake = tmp_path / f"lake-{step}"
        path.write_bytes(content())
        died(lambda lake=lake: taken_in(lake, path), step)  # type: ignore[misc]
        path.unlink() if gone else path.write_bytes(lines(range(3)))
        try:
            ends["gone" if taken_in(lake, other).gone else "there"] += 1
        except LakeError as error:
            path.write_bytes(content())
            taken_in(lake, other, path)
            ends["waits" if "files" in str(error.hint) else str(error)] += 1
        assert set(uids(lake).values()) == {1}
        assert uids(lake).total() in {5, 17}
    assert set(ends) == {"there", "gone", "waits"}


# ------------------------------------------------------------------ two at once


@pytest.mark.usefixtures("small_limit")
def test_two_ingests_at_once_double_nothing(tmp_path: Path, lake: Path) -> None:
    """Each finishes, or gives way with a message; one more ingest has everything once."""
    path = tmp_path / "a.log"
    path.write_bytes(lines(range(200)) + BROKEN)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            taken_in(lake, path)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at below
            raised.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(raised) < 3
    assert all(isinstance(error, (LakeError, FencedError)) and error.hint for error in raised)
    taken_in(lake, path)
    assert sorted(uids(lake).values()) == [1] * 200
    assert refused(lake).total() == 1
    assert verified(lake)
