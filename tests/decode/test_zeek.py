"""Zeek logs, where they are not as Zeek itself writes them."""

from __future__ import annotations

import io

import pytest

from ocsf_pipe.decode import zeek

LOG = b"#separator \\x09\n#fields\tts\tuid\n#types\ttime\tstring\n1.5\tC1\n"


@pytest.mark.parametrize("before", [b"", b"\t", b"\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \r\n"])
def test_header_may_stand_behind_white_space(before: bytes) -> None:
    """White space in front of the header is no record, and positions still count from the start of the file."""
    assert zeek.sniff(before + LOG, "conn.log", {})
    runs = [run for run in zeek.read(io.BytesIO(before + LOG), {}) if len(run)]
    assert [run.columns.to_pylist() for run in runs if run.columns is not None] == [[{"ts": "1.5", "uid": "C1"}]]
    assert runs[0].position.to_pylist() == [len(before) + LOG.index(b"1.5")]


@pytest.mark.parametrize(
    "head",
    [
        b'{"ts":1.5,"uid":"C1","id.orig_h":"192.0.2.1"}',
        b'{"ts":1.5,"uid":"C1","id_orig_h":"192.0.2.1"}',
        b'{"ts": "2026-02-10T09:08:07Z", "uid": "C1", "id": {"orig_h": "192.0.2.1"}}',
        b'{"_path":"conn","ts":1.5}',
    ],
)
def test_json_is_told_by_its_time_and_address(head: bytes) -> None:
    """However a shipper writes the names of the addresses."""
    assert zeek.sniff(head, "conn.json", {})
    assert not zeek.sniff(head.replace(b'"ts"', b'"time"'), "conn.json", {})
