"""Everything around one finding, as a page and as data."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ocsf_pipe.detect.incident import Collector
from ocsf_pipe.detect.incident_text import markdown, write
from ocsf_pipe.errors import UsageError
from ocsf_pipe.lake import Lake
from tests.detect.doors import findings, grow, once, rules_in


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with an incident of four findings between harmless processes of the same host."""
    place = tmp_path_factory.mktemp("incident")
    rules_in(place)
    grow(place, "before", [("C:\\old.exe", "02:00:00")])
    grow(
        place,
        "a",
        [("quiet | start", "07:30:00"), *((f"bad {i}", f"08:00:{i:02d}") for i in range(3)), ("end", "08:50:00")],
    )
    grow(place, "far", [("later", "11:00:00")])
    once(place)
    return place


def test_a_finding_leads_to_its_incident_and_timeline(folder: Path) -> None:
    """By the beginning of its id; events within the hour around, the evidence marked, each with its hash."""
    uid = findings(folder)[0]["metadata"]["uid"]
    lake = Lake(folder / "lake")
    bundle = Collector(lake.connect()).collect(uid[:10])
    assert len(bundle.findings) == 4
    assert bundle.pivots == {"device": ("ws1.corp.example",)}
    said = [step.what.rpartition(" ")[2] for step in bundle.timeline]
    assert (len(said), [step.is_evidence for step in bundle.timeline]) == (5, [False, True, True, True, False])
    raw = lake.sql("select raw_data from process_activity where process.cmd_line = 'bad 0'")["raw_data"][0].as_py()
    assert bundle.timeline[1].sha256 == hashlib.sha256(raw.encode()).hexdigest()
    touched = {one.value: one for one in bundle.touched}
    assert (touched["ws1.corp.example"].events, touched["ws1.corp.example"].known_before) == (5, True)


def test_the_bundle_is_written_with_its_hashes(folder: Path, tmp_path: Path) -> None:
    """Two forms of the same, and a manifest that a third party can check."""
    incident = findings(folder)[0]["metadata"]["correlation_uid"]
    bundle = Collector(Lake(folder / "lake").connect(), most=3).collect(incident)
    assert [step.is_evidence for step in bundle.timeline] == [True] * 3
    assert bundle.more == 2
    page, data, manifest = write(bundle, tmp_path / "case")
    sums = json.loads(manifest.read_text())["files"]
    assert sums == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (page, data)}
    assert json.loads(data.read_text())["timeline"][0]["is_evidence"] is True
    text = page.read_text()
    assert text.startswith("# Many bad processes: ws1.corp.example")
    assert "2 more events" in text


def test_what_an_attacker_wrote_breaks_no_page(folder: Path) -> None:
    """A bar in a command line ends no cell."""
    bundle = Collector(Lake(folder / "lake").connect()).collect(findings(folder)[0]["metadata"]["uid"])
    rows = [line for line in markdown(bundle).splitlines() if "quiet" in line]
    assert len(rows) == 1
    assert "quiet \\| start" in rows[0]


def test_a_finding_that_is_not_there_is_said_so(folder: Path, tmp_path: Path) -> None:
    """And so is an id that is too short."""
    collector = Collector(Lake(folder / "lake").connect())
    for name, said in (("nowhere-at-all", "there is no finding"), ("abc", "too short")):
        with pytest.raises(UsageError, match=said):
            collector.collect(name)
    with pytest.raises(UsageError):
        Collector(Lake(tmp_path / "empty", create=True).connect()).collect("abcdefgh")
