"""Replay: after a mapping was mended, what was refused moves to its tables exactly once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import find_mapping
from ocsf_pipe.run.replay import Replay, Replayed
from tests.run.acme import FAULTY, MAPPING, line, lines, refused, taken_in, uids, verified, write_mapping
from tests.run.crash import died

STAYS = b'{"door": "north", "at": \n'
EVERY = "every: {time: at, severity_id: 'Informational'}\n"
DROPPED = line(99, kind="heartbeat")


def replayed(lake: Path, name: str = "acme.door", limit: int = 1000) -> Replayed:
    """Replay what a mapping refused."""
    return Replay(Lake(lake), find_mapping(name), limit).run()


def refusing(folder: Path, text: str, lake: Path, path: Path, name: str = "acme.door") -> None:
    """Ingest with a mapping that has a fault."""
    write_mapping(folder, text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCSF_PIPE_MAPPINGS", str(folder))
        taken_in(lake, path, mapping=name)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file of twelve good records and one that nothing can map."""
    path = tmp_path / "a.log"
    path.write_bytes(lines(range(12)) + STAYS + DROPPED)
    return path


@pytest.mark.parametrize("limit", [1000, 5], ids=["at once", "in pages"])
def test_what_maps_now_moves_over_once(tmp_path: Path, lake: Path, log: Path, limit: int) -> None:
    """Ids are those of a direct ingest; what is refused again stays; a second replay moves nothing."""
    taken_in(tmp_path / "direct", log)
    refusing(tmp_path / "faulty", FAULTY, lake, log)
    assert (uids(lake).total(), refused(lake).total()) == (0, 13)
    done = replayed(lake, limit=limit)
    assert (done.looked_at, done.moved, done.refused) == (13, 12, 1)
    assert done.events == {"authentication": 8, "base_event": 4}
    assert (uids(lake), refused(lake)) == (uids(tmp_path / "direct"), refused(tmp_path / "direct"))
    again = replayed(lake, limit=limit)
    assert (again.looked_at, again.moved, again.refused, again.events) == (1, 0, 1, {})
    assert uids(lake).total() == 12
    assert verified(lake)


def test_a_record_that_is_dropped_now_leaves_the_quarantine(tmp_path: Path, lake: Path, log: Path) -> None:
    """It moved, to nowhere."""
    refusing(tmp_path / "faulty", FAULTY.replace("kind = 'heartbeat'", "kind = 'none'"), lake, log)
    assert refused(lake).total() == 14
    assert (replayed(lake).moved, uids(lake).total(), refused(lake).total()) == (13, 12, 1)
    assert verified(lake)


def test_what_nothing_recognised_is_taken_by_the_mapping_that_does_now(tmp_path: Path, lake: Path, log: Path) -> None:
    """And nothing else of what nothing recognised is looked at."""
    other = tmp_path / "other.log"
    other.write_bytes(b'{"gate": "south"}\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OCSF_PIPE_MAPPINGS")
        report = taken_in(lake, log, other, mapping=None)
    assert report.quarantined["no mapping recognises the record"] == 15
    done = replayed(lake)
    assert (done.looked_at, done.moved, refused(lake).total()) == (13, 13, 2)
    assert uids(lake).total() == 12


def test_a_replay_that_dies_at_any_step_is_finished_by_the_next(tmp_path: Path, log: Path) -> None:
    """No record is lost, none is in two places, and the account holds."""
    taken_in(tmp_path / "direct", log)
    whole = (uids(tmp_path / "direct"), refused(tmp_path / "direct"))

    def fresh(name: str) -> Path:
        refusing(tmp_path / "faulty", FAULTY, tmp_path / name, log)
        return tmp_path / name

    counted = fresh("counted")
    steps = died(lambda: replayed(counted), None) or 0
    assert steps > 15
    for step in range(1, steps, 2):
        lake = fresh(f"lake-{step}")
        assert died(lambda lake=lake: replayed(lake), step) is None  # type: ignore[misc]
        replayed(lake)
        assert (uids(lake), refused(lake)) == whole, f"step {step}"
        assert verified(lake), f"step {step}"


ZEEK = """\
#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tdoors
#fields\tts\tdoor\tkind\twho
#types\ttime\tstring\tstring\tstring
1770710400.5\tnorth\topen\tann
1770710401.5\tsouth\topen\tbo
"""


def test_lines_under_a_header_replay(tmp_path: Path, lake: Path) -> None:
    """A line does not say its columns; the quarantine kept them."""
    path = tmp_path / "doors.log"
    path.write_text(ZEEK)
    every = "every:\n  severity_id: 'Informational'\n  time: to_timestamp(ts, 's')\n"
    mended = MAPPING.replace("format: json", "format: zeek").replace(EVERY, every)
    write_mapping(tmp_path / "mended", mended)
    refusing(tmp_path / "faulty", mended.replace("to_timestamp(ts, 's')", "to_timestamp(who)"), lake, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCSF_PIPE_MAPPINGS", str(tmp_path / "mended"))
        taken_in(tmp_path / "direct", path)
        assert refused(lake).total() == 2
        assert replayed(lake).moved == 2
    assert uids(lake) == uids(tmp_path / "direct")


def test_records_of_an_envelope_replay(tmp_path: Path, lake: Path) -> None:
    """Each of them keeps its place in the document, and so its id."""
    path = tmp_path / "a.json"
    path.write_bytes(b'{"Records": [' + b",".join(line(number).strip() for number in range(5)) + b"]}")
    mended = MAPPING.replace("{format: json, ", "{format: json, records: Records, ")
    write_mapping(tmp_path / "mended", mended)
    refusing(tmp_path / "faulty", mended.replace("time: at", "time: att"), lake, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCSF_PIPE_MAPPINGS", str(tmp_path / "mended"))
        taken_in(tmp_path / "direct", path)
        assert replayed(lake).moved == 5
    assert uids(lake) == uids(tmp_path / "direct")
