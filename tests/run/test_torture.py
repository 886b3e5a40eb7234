"""Hostile files: every good record arrives, every bad one is in quarantine with its place and reason."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.cli.ingest import exit_code
from ocsf_pipe.lake import Lake
from ocsf_pipe.run import Report
from tests.run.acme import line, lines, refused, taken_in, uids, verified

LONG = 50_000_000
DEEP = 10_000


def text(number: int) -> bytes:
    """A good record without its newline."""
    return line(number)[:-1]


def with_more(number: int, more: bytes) -> bytes:
    """A record with more JSON text behind its last attribute."""
    return text(number)[:-1] + b", " + more + b"}"


GOOD = {
    "plain": text(1),
    "nested deep": with_more(2, b'"deep": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    "lists nested deep": with_more(4, b'"deep": ' + b"[" * DEEP + b"]" * DEEP),
    "duplicate keys": with_more(5, b'"who": "second"'),
    "a number beyond 64 bits": with_more(7, b'"n": 123456789012345678901234567890, "m": 1e999'),
    "the year 1601": text(8).replace(b"2026-02-10T08:00:08", b"1601-01-01T00:00:00"),
    "the year 9999": text(10).replace(b"2026-02-10T08:00:10", b"9999-12-31T23:59:59"),
    "a lone CR between tokens": text(11).replace(b", ", b",\r", 1),
    "a CR at the end": text(13) + b"\r",
    "an escaped NUL": with_more(14, rb'"nul": "a\u0000b"'),
    "white space around": b" \t" + text(17) + b"  ",
}
BAD = {
    "broken JSON": (b'{"door": "north", "at":', "the record is not valid JSON"),
    "not UTF-8": (text(50).replace(b"p50", b"p\xff\xfe"), "not UTF-8 at byte"),
    "a raw NUL": (b"\0" + text(51), ""),
    "no object": (b"42", ""),
    "no time": (b'{"door": "north"}', "required attribute `time` is null"),
    "without any class": (b'{"foo": "bar"}', "required attribute `time` is null"),
    "a long line": (with_more(52, b'"x": "' + b"y" * LONG + b'"'), f"longer than the limit of {16 << 20} bytes"),
    "an escaped half of a pair": (with_more(55, rb'"half": "\ud800"'), "the record is not valid JSON"),
    "two values": (text(53) + b" " + text(53), "the record is not valid JSON"),
}
LAST = text(49)


@dataclass(frozen=True)
class Tortured:
    """One hostile file, taken in once for all tests."""

    data: bytes
    report: Report
    lake: Path

    def rows(self) -> list[dict[str, Any]]:
        """The quarantine in the order of the file."""
        query = (
            "select position, reason, rule, field, partition, octet_length(raw) size from _quarantine order by position"
        )
        found: list[dict[str, Any]] = Lake(self.lake).sql(query).to_pylist()
        return found


@pytest.fixture(scope="module")
def tortured(tmp_path_factory: pytest.TempPathFactory, mappings: Path) -> Tortured:
    """Take in all good and bad records, mixed, with empty lines, and a last line without an end."""
    folder = tmp_path_factory.mktemp("torture")
    path = folder / "torture.ndjson"
    bad = [data for data, _ in BAD.values()]
    mixed = [part for pair in zip(GOOD.values(), [*bad, *[b""] * len(GOOD)], strict=False) for part in pair]
    path.write_bytes(b"\n".join([*mixed, b"", b"  ", LAST]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCSF_PIPE_MAPPINGS", str(mappings))
        report = taken_in(folder / "lake", path)
    return Tortured(path.read_bytes(), report, folder / "lake")


def test_every_good_record_arrives_once(tortured: Tortured) -> None:
    """Odd as it may be: the raw record is kept with its event."""
    found = Lake(tortured.lake).sql("select raw_data from authentication")["raw_data"].to_pylist()
    wanted = [*GOOD.values(), LAST]
    assert sorted(raw.strip() for raw in found) == sorted(data.decode().strip() for data in wanted)
    assert set(uids(tortured.lake).values()) == {1}


@pytest.mark.parametrize("name", BAD)
def test_every_bad_record_is_in_quarantine(tortured: Tortured, name: str) -> None:
    """With its place in the file, its reason and its length."""
    data, reason = BAD[name]
    (row,) = [row for row in tortured.rows() if row["position"] == tortured.data.index(b"\n" + data + b"\n") + 1]
    assert reason in row["reason"]
    assert row["reason"]
    assert row["size"] == len(data)
    assert "torture.ndjson" in row["partition"]


def test_the_account_adds_up(tortured: Tortured) -> None:
    """Every line that is not empty is one record, and the exit code says that some are in quarantine."""
    report = tortured.report
    assert (report.written, report.quarantined.total()) == (len(GOOD) + 1, len(BAD))
    assert (report.missing, exit_code(report)) == (0, 3)
    assert refused(tortured.lake).total() == len(BAD)
    assert verified(tortured.lake)


def test_a_broken_clock_makes_no_partitions(tortured: Tortured) -> None:
    """The years 1601 and 9999 are filed under the day of arrival, and keep their time."""
    found = Lake(tortured.lake).sql(
        "select year(time_dt) y, count(*) n, min(event_day) d from authentication group by y"
    )
    days = {row["y"]: row["d"].year for row in found.to_pylist()}
    assert set(days) == {1601, 2026, 9999}
    assert min(days.values()) > 2020
    assert max(days.values()) < 9999


def test_values_that_are_too_large_are_kept_as_they_came(tortured: Tortured) -> None:
    """A number beyond 64 bits stays in `unmapped` with every digit, and in the raw record."""
    query = "select unmapped from authentication where user.name = 'p7'"
    (row,) = Lake(tortured.lake).sql(query).to_pylist()
    assert json.loads(row["unmapped"])["n"] == 123456789012345678901234567890


@pytest.mark.parametrize(("pack", "ends"), [("gzip", -2000), ("gzip", -4), ("zstd", -100), ("bzip2", -100)])
def test_a_truncated_archive_gives_what_can_be_read(tmp_path: Path, lake: Path, pack: str, ends: int) -> None:
    """Whole records before the break arrive; one row of the quarantine says where and why there is no more."""
    import bz2

    import zstandard

    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "zstd": zstandard.compress,
        "bzip2": bz2.compress,
    }
    whole = lines(range(2000))
    path = tmp_path / "cut.gz"
    path.write_bytes(packers[pack](whole)[:ends])
    report = taken_in(lake, path)
    assert (report.missing, exit_code(report)) == (0, 3)
    assert report.quarantined[f"the {pack} stream ends in the middle"] == 1
    assert uids(lake).total() == report.written
    assert taken_in(lake, path).records == 0


def test_an_empty_file_and_one_of_empty_lines_hold_no_records(tmp_path: Path, lake: Path) -> None:
    """Nothing to write is no fault."""
    for name, data in (("empty", b""), ("lines", b"\n\r\n  \n")):
        (tmp_path / name).write_bytes(data)
    report = taken_in(lake, tmp_path / "empty", tmp_path / "lines")
    assert (report.records, report.missing, exit_code(report)) == (0, 0, 0)


def test_bytes_that_are_no_log_are_refused(tmp_path: Path, lake: Path) -> None:
    """A picture or a program is in quarantine with a reason, whether or not a mapping is named."""
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300)
    for mapping in ("acme.door", None):
        report = taken_in(lake.with_name(f"lake-{mapping}"), path, mapping=mapping)
        assert report.records == report.quarantined.total() > 0


def test_a_bomb_is_taken_in_batch_by_batch(tmp_path: Path, lake: Path) -> None:
    """A short archive with much text in it is a big file: its text is never in memory as a whole."""
    from ocsf_pipe.run.files import is_small

    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"\n" * (20 << 20) + line(1)))
    assert path.stat().st_size < 1 << 20
    assert not is_small(path)
    assert taken_in(lake, path).written == 1
