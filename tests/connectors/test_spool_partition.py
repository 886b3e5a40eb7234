"""A spool as a source: kinds stay apart, damage is a reject, and any cut can be resumed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocsf_connectors import spool_partition
from ocsf_connectors.spool import Entry, Spool
from ocsf_connectors.spool_partition import SpoolSource
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Batch, Offset
from ocsf_pipe.testing.connectors import FakeDecoder, check_acknowledge, check_cuts, drain, texts


def opened(folder: Path, **options: Any) -> SpoolSource:
    """A source over the spool of a folder."""
    return SpoolSource(Spool(folder, **{"max_bytes": 1 << 20, "min_free": 0, **options}), FakeDecoder())


@pytest.fixture
def batch_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of a few entries."""
    monkeypatch.setattr(spool_partition, "BATCH_BYTES", 300)


@pytest.fixture
def filled(tmp_path: Path, batch_bytes: None) -> Callable[[], SpoolSource]:
    """Connects to a spool of several segments and kinds, with one entry damaged."""
    source = opened(tmp_path / "s", max_bytes=40_000)
    for i in range(80):
        lines = b"".join(b'{"i":%d,"j":%d,"x":"%s"}\n' % (i, j, b"x" * 60) for j in range(i % 4))
        source.spool.append([Entry("json" if i % 7 else "hec", lines if i % 7 else b'{"event":{"i":%d}}' % i)])
    source.close()
    segment = sorted((tmp_path / "s").glob("*.segment"))[1]
    data = bytearray(segment.read_bytes())
    data[1000] ^= 4
    segment.write_bytes(data)
    return lambda: opened(tmp_path / "s", max_bytes=40_000)


def test_head_and_tail_of_every_cut_make_the_whole(filled: Callable[[], SpoolSource]) -> None:
    """Over segments, kinds, entries without records, and damage."""
    whole = check_cuts(filled)
    [batches] = whole.batches.values()
    assert len(batches) > 20
    rejects = [reject for batch in batches for run in batch.runs for reject in run.rejects]
    assert len([reject for reject in rejects if "the spool is damaged here" in reject.reason]) == 1
    assert all(reject.raw for reject in rejects if "damaged" in reject.reason)


def test_acknowledging_takes_nothing_that_is_still_to_come(filled: Callable[[], SpoolSource]) -> None:
    """And the lag is what waits."""
    check_acknowledge(filled)
    source = filled()
    part = source.open(source.spool.id, Offset(source.spool.begin))
    assert part.lag() == source.spool.end - source.spool.begin
    while part.next_batch() is not None:
        pass
    assert part.lag() == 0
    source.close()


def test_kinds_are_parsed_apart_and_in_order(tmp_path: Path) -> None:
    """Neighbours of one kind are one call to the decoder."""
    source = opened(tmp_path / "s")
    kinds = ["json", "json", "hec", "hec", "json"]
    bodies = [b'{"a":1}', b'{"a":2}', b'{"event":{"a":3}}', b'{"event":{"a":4}}', b'{"a":5}']
    source.spool.append([Entry(kind, body) for kind, body in zip(kinds, bodies, strict=True)])
    batch = source.open(source.spool.id).next_batch()
    assert isinstance(batch, Batch)
    assert [(run.format, len(run)) for run in batch.runs] == [("json", 2), ("hec", 2), ("json", 1)]
    assert [text.encode() for text in texts([batch])] == bodies
    source.close()


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    """Another spool's id; an offset behind the end, which the lake can only have of another folder."""
    source = opened(tmp_path / "s")
    with pytest.raises(SourceError, match="no spool"):
        source.open("other")
    with pytest.raises(SourceError, match="it ends at 0"):
        source.open(source.spool.id, Offset(1))
    assert drain(source, quiet=0).count() == 0
    source.close()
