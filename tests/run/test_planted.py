"""No text of prompts, answers and tools is on disk, in logs or in metrics, unless it is wanted; and then only there."""

from __future__ import annotations

import csv
import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocsf_pipe.cli.content import texts
from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import catalogue, find_mapping
from ocsf_pipe.run.contents import vault_of
from ocsf_pipe.run.ingest import Ingest
from ocsf_pipe.run.pipeline import BatchSpec, ContentSpec, Pipeline, SourceSpec, Tier
from ocsf_pipe.run.replay import Replay
from ocsf_pipe.run.report import Report
from ocsf_pipe.run.running import run_pipeline
from ocsf_pipe.run.telemetry import Telemetry
from tests.run.planted import AT, DIALECTS, MARK, SAID, line_of, marked_files

TABLES = {
    "langfuse.observation_csv": ("input", "output"),
    "microsoft.m365_copilot_csv": ("AuditData",),
    "microsoft.ediscovery_items": ("Subject/Title", "Conversation name", "Title", "Compound path", "Target path"),
}
"""The mappings of separated fields, and the columns of a sample that hold text."""
BEDROCK = DIALECTS["aws.bedrock_invocation"][0]


def ndjson(*records: Any) -> bytes:
    """Records, one a line."""
    return b"".join(line_of(record).encode() + b"\n" for record in records)


def taken_in(lake: Path, file: Path, mapping: str | None = None, tier: Tier = "seal") -> Report:
    """One ingest."""
    opened = Lake(lake, create=True)
    return Ingest(opened, mapping, vault=vault_of(opened, tier)).run([file])


def written(folder: Path, *records: Any, more: bytes = b"") -> Path:
    """A file of records, with bytes behind them."""
    folder.mkdir(exist_ok=True)
    path = folder / "records.ndjson"
    path.write_bytes(ndjson(*records) + more)
    return path


def test_every_mapping_with_content_has_planted_records() -> None:
    """A new dialect is planted before it is shipped."""
    assert {name for name, listed in catalogue().items() if listed.syntax.content} == {*DIALECTS, *TABLES}


@pytest.mark.parametrize("name", DIALECTS)
def test_no_planted_text_is_in_the_lake(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Of records that are mapped, that are refused, and that are cut off in the middle."""
    records = DIALECTS[name]
    first = line_of(records[0])
    cut = first[: first.rindex(MARK) + len(MARK) + 3].encode() + b"\n"
    file = written(tmp_path / "in", *records, more=cut + SAID.encode() + b"\n" + json.dumps(SAID).encode() + b"\n")
    assert MARK.encode() in cut
    with caplog.at_level(logging.DEBUG):
        report = taken_in(tmp_path / "lake", file)
    assert report.mappings[name] >= len(records)
    assert report.quarantined.total() >= 2 or report.mappings[name] > len(records)  # lines of text are records too
    assert marked_files(tmp_path / "lake") == []
    assert MARK not in caplog.text
    assert MARK not in str(report)


@pytest.mark.parametrize("name", TABLES)
def test_no_planted_text_of_a_table_is_in_the_lake(tmp_path: Path, name: str) -> None:
    """A file of separated fields, its sample with the mark in every column of text, bare and within JSON."""
    [sample, *_] = sorted((find_mapping(name).path.parent / "samples").glob("*.input.*"))
    with sample.open(newline="", encoding="utf-8") as source, (tmp_path / sample.name).open("w", newline="") as target:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames or [])
        writer.writeheader()
        within = json.dumps({"role": "assistant", "content": SAID})
        planted = {column: within if number == 1 else SAID for number, column in enumerate(TABLES[name])}
        assert planted.keys() <= {*(rows.fieldnames or [])}
        writer.writerows({**row, **planted} for row in rows)
    report = taken_in(tmp_path / "lake", tmp_path / sample.name)
    assert report.mappings[name] > 0
    assert marked_files(tmp_path / "lake") == []


@contextmanager
def running(tmp_path: Path, mapping: tuple[str, ...], telemetry: Telemetry) -> Iterator[int]:
    """A pipeline that listens, with batches that wait some seconds; the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    source = SourceSpec("in", "http", mapping, {"listen": f"127.0.0.1:{port}", "min_free": 0})
    pipeline = Pipeline("planted", str(tmp_path / "lake"), (source,), tmp_path / "state", BatchSpec(4.0))
    stop = threading.Event()
    given = {"telemetry": telemetry, "stop": stop, "reload": threading.Event()}
    thread = threading.Thread(target=run_pipeline, args=(pipeline,), kwargs=given)
    thread.start()
    try:
        yield port
    finally:
        stop.set()
        thread.join(30)


def posted(port: int, path: str, body: bytes) -> int:
    """The status of one request, tried until the listener is there."""
    for _ in range(100):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            client.request("POST", path, body, {"Content-Type": "application/json"})
            return client.getresponse().status
        except ConnectionRefusedError:
            time.sleep(0.1)
        finally:
            client.close()
    raise AssertionError("nobody listens")


def spooled_bytes(state: Path) -> int:
    """How much lies in spools; a segment that goes meanwhile counts for nothing."""
    size = 0
    for path in state.rglob("*.segment"):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def test_nothing_that_was_sent_is_readable_while_it_waits_or_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in the spool before its batch, not in the lake after it; and then the spool holds nothing of it at all."""
    telemetry, state, lake = Telemetry("planted"), tmp_path / "state", tmp_path / "lake"
    with caplog.at_level(logging.DEBUG), running(tmp_path, ("otel.genai", "aws.bedrock_invocation"), telemetry) as port:
        assert posted(port, "/v1/traces", json.dumps(DIALECTS["otel.genai"][0]).encode()) == 200
        assert spooled_bytes(state) > 1000
        assert marked_files(state, lake) == []
        assert posted(port, "/ingest", ndjson(BEDROCK, SAID) + SAID.encode()) in (200, 202)
        assert marked_files(state, lake) == []
        deadline = time.monotonic() + 60
        while spooled_bytes(state) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert spooled_bytes(state) == 0
    assert marked_files(state, lake) == []
    assert MARK not in caplog.text
    assert MARK.encode() not in telemetry.exposition()
    assert {"api_activity", "_quarantine"} <= set(Lake(lake).tables())


@pytest.mark.parametrize("tier", ["store", "store-plain"])
def test_texts_that_are_stored_are_in_one_table_and_joined_by_the_id_of_their_event(tmp_path: Path, tier: Tier) -> None:
    """Encrypted there unless told otherwise; the events say that they are kept."""
    lake = tmp_path / "lake"
    taken_in(lake, written(tmp_path / "in", BEDROCK), tier=tier)
    found = marked_files(lake)
    assert (found != []) == (tier == "store-plain")
    assert all("/_content/" in path for path in found)
    event = "select metadata.uid uid, content_tier from api_activity where content_list is not null"
    [row] = Lake(lake).sql(event).to_pylist()
    assert row["content_tier"] == "Stored"
    said = texts(str(lake), row["uid"])
    assert MARK in {one["text"] for one in said}
    assert any(SAID in one["text"] for one in said)
    assert said[0] in texts(str(lake), said[0]["hmac"])


def test_a_source_may_say_another_thing_than_its_pipeline(tmp_path: Path) -> None:
    """The tier of the source goes before that of the pipeline."""
    file = written(tmp_path / "in", BEDROCK)
    kept = SourceSpec("kept", "file", ("aws.bedrock_invocation",), {"paths": [str(file)]}, "store-plain")
    pipeline = Pipeline("tiers", str(tmp_path / "lake"), (kept,), tmp_path / "state", BatchSpec(0.1))
    for spec, tables in ((kept, {"_content"}), (replace(kept, name="not_kept", content=None), set())):
        place = tmp_path / spec.name
        asked = replace(pipeline, lake=str(place), sources=(spec,), content=ContentSpec("seal"))
        run_pipeline(asked, telemetry=Telemetry("tiers"), stop=threading.Event(), reload=threading.Event(), once=True)
        assert set(Lake(place).tables()) & {"_content"} == tables


def test_a_sealed_record_is_replayed_with_the_key_that_sealed_it(tmp_path: Path) -> None:
    """And without it stays where it is, and is counted."""
    lake, broken = tmp_path / "lake", {**BEDROCK, "timestamp": "yesterday"}
    taken_in(lake, written(tmp_path / "in", broken), mapping="aws.bedrock_invocation")
    text = (lake / "_keys" / "content.key").read_text()
    assert Lake(lake).sql("select count(*) n from _quarantine").to_pylist() == [{"n": 1}]
    mended = tmp_path / "mended" / "mapping.yaml"
    mended.parent.mkdir()
    source = find_mapping("aws.bedrock_invocation").path.read_text()
    mended.write_text(
        source.replace("  time: timestamp\n", f"  time: coalesce(to_timestamp(timestamp), to_timestamp('{AT}'))\n")
    )
    listed = replace(find_mapping(mended), name="aws.bedrock_invocation")
    (lake / "_keys" / "content.key").unlink()
    lost = Replay(Lake(lake), listed).run()
    assert (lost.moved, lost.refused, lost.unreadable) == (0, 1, 1)
    key = lake / "_keys" / "content.key"
    key.write_text(key.read_text() + text)
    done = Replay(Lake(lake), listed).run()
    assert (done.moved, done.refused, done.unreadable) == (1, 0, 0)
    assert marked_files(lake) == []
