"""Recognition: the records themselves tell which mapping a file needs."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from ocsf_pipe.decode import FORMATS
from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import catalogue, forget_catalogue
from ocsf_pipe.run import Ingest, Report
from ocsf_pipe.run.recognise import choose, hits, peek
from tests.run.acme import line, lines, taken_in, uids

SHIPPED = Path(__file__).resolve().parents[2] / "mappings"
SAMPLES = sorted(SHIPPED.glob("*/*/samples/*.input.*"))


def of(sample: Path) -> str:
    """The mapping whose sample it is."""
    return f"{sample.parents[2].name}.{sample.parents[1].name}"


@pytest.mark.parametrize("mapping", sorted({of(sample) for sample in SAMPLES}))
def test_every_sample_is_recognised_as_of_its_own_mapping(mapping: str) -> None:
    """Its own mapping is the first that is asked."""
    wrong = {}
    for sample in SAMPLES:
        if of(sample) == mapping:
            names = [listed.name for listed in choose(sample).mappings]
            if names[:1] != [mapping]:
                wrong[sample.name] = names
    assert wrong == {}


@pytest.mark.parametrize("mapping", sorted({of(sample) for sample in SAMPLES}))
def test_the_quick_look_overlooks_nothing(mapping: str) -> None:
    """What a whole mapping recognises, its head alone recognises too; and it has no rules to be compiled."""
    listed = catalogue()[mapping]
    wanted = listed.head
    assert listed.head.recogniser.routes == ()
    for sample in (path for path in SAMPLES if of(path) == mapping):
        with sample.open("rb") as stream:
            for run in FORMATS[wanted.format].read(stream, wanted.settings):
                assert hits(listed.head.recogniser, peek(run)) >= hits(listed.plan, peek(run))


def test_a_mapping_that_is_not_asked_for_is_not_compiled(tmp_path: Path, lake: Path) -> None:
    """Thirty mappings do not have to be compiled for one file."""
    path = tmp_path / "one.ndjson"
    path.write_bytes(lines(range(3)))
    forget_catalogue()
    taken_in(lake, path, mapping=None)
    assert [name for name, listed in catalogue().items() if "plan" in vars(listed)] == ["acme.door"]


def test_a_mixed_file_is_sorted_out_record_by_record(tmp_path: Path, lake: Path) -> None:
    """Security and Sysmon events of one export go each to their own mapping."""
    path = tmp_path / "mixed.ndjson"
    texts = [
        (catalogue()[f"microsoft.{name}"].path.parent / "samples" / "winlogbeat.input.ndjson").read_text().splitlines()
        for name in ("windows_security", "sysmon")
    ]
    pairs = [line for pair in zip(*texts, strict=False) for line in pair]
    path.write_text("\n".join(pairs))
    report = taken_in(lake, path, mapping=None)
    each = len(pairs) // 2
    assert dict(report.mappings) == {"microsoft.windows_security": each, "microsoft.sysmon": each}
    assert report.missing == 0


def test_a_file_that_nothing_recognises_is_refused_with_the_reason(tmp_path: Path, lake: Path) -> None:
    """Record by record, each with its place."""
    path = tmp_path / "strange.ndjson"
    path.write_bytes(b'{"strange": 1}\n{"strange": 2}\n')
    report = taken_in(lake, path, mapping=None)
    assert dict(report.quarantined) == {"no mapping recognises the record": 2}
    rows = Lake(lake).sql("select source, position from _quarantine order by position").to_pylist()
    assert [(row["source"], row["position"]) for row in rows] == [("", 0), ("", 15)]


def from_stdin(lake: Path, data: bytes, mapping: str | None, monkeypatch: pytest.MonkeyPatch) -> Report:
    """Ingest what comes from standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    return Ingest(Lake(lake, create=True), mapping).run(["-"])


@pytest.mark.parametrize("mapping", ["acme.door", None])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_standard_input_is_taken_in(
    lake: Path, mapping: str | None, pack: type[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With and without a mapping; packed or not."""
    assert from_stdin(lake, pack(lines(range(20))), mapping, monkeypatch).written == 20
    assert uids(lake).total() == 20


def test_a_long_document_from_standard_input_is_recognised(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CloudTrail document of many records is one line; its beginning alone tells nothing."""
    record = json.loads((SHIPPED / "aws/cloudtrail/samples/console_login.input.ndjson").read_text().splitlines()[0])
    data = json.dumps({"Records": [record] * 300}).encode()
    assert len(data) > 200_000
    report = from_stdin(lake, data, None, monkeypatch)
    assert dict(report.mappings) == {"aws.cloudtrail": 300}


def test_folders_globs_and_packed_files_are_taken_in(tmp_path: Path, lake: Path) -> None:
    """Each file once, whatever it is packed with."""
    packers: dict[str, Callable[[bytes], bytes]] = {
        "a": bytes,
        "b": gzip.compress,
        "c": bz2.compress,
        "d": zstandard.compress,
    }
    folder = tmp_path / "logs"
    (folder / "below").mkdir(parents=True)
    for number, (name, pack) in enumerate(packers.items()):
        (folder / "below" / f"{name}.log").write_bytes(pack(line(number)))
    report = Ingest(Lake(lake, create=True)).run([folder, f"{folder}/**/*.log"])
    assert (report.files, report.written) == (4, 4)
