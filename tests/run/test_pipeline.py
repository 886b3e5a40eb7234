"""Pipeline files: what a right one means, and what is said of a wrong one, whole."""

from __future__ import annotations

import json
import logging
import pickle
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ocsf_connectors import CONNECTORS
from ocsf_pipe.bundled import schemas_dir
from ocsf_pipe.errors import PIPELINE_CODES, PipelineError
from ocsf_pipe.mapping.reader import Reader
from ocsf_pipe.run import pipeline_parse, pipeline_schema
from ocsf_pipe.run.pipeline import BatchSpec, LogSpec, MaintenanceSpec, MetricsSpec, SourceSpec, load_pipeline
from ocsf_pipe.run.pipeline_secrets import Secret, fetched
from tests.run.pipeline_corpus import CHECKOUT, ENVIRONMENT, ERR, KNOWN, OK, ROOT, SECRET, complaints, loaded

SHAPE = [path for path in ERR if re.match(r"P10[2346]|P202|P301", path.name)]
ONLY_SAID = {
    "P103-state-missing",  # what is needed beside a URL
    "P104-out-of-bounds",  # times and sizes are texts to the schema
    "P104-lake-is-no-url",
    "P104-times-and-sizes",
    "P106-name-of-a-command",
    "P202-values",  # the length of a secret
}
"""Files whose mistakes are beyond a JSON Schema of the file."""


def _stem(path: Path) -> str:
    return path.stem


@pytest.fixture(autouse=True)
def _corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the files of the corpus name: a connector, the environment, paths from the checkout."""
    monkeypatch.chdir(CHECKOUT)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PROBE_MISSING", raising=False)
    monkeypatch.setattr("ocsf_pipe.run.pipeline_sources.CONNECTORS", KNOWN)
    monkeypatch.setattr("ocsf_pipe.run.pipeline_schema.CONNECTORS", KNOWN)


@pytest.mark.parametrize("path", OK, ids=_stem)
def test_a_right_file_is_silent(path: Path) -> None:
    """Nothing is said about a file that is as it should be."""
    assert complaints(path) == ((), "")


@pytest.mark.parametrize("path", ERR, ids=_stem)
def test_a_mistake_is_said_whole(path: Path) -> None:
    """Place, fact, line, caret and hint are those of the file beside it."""
    assert complaints(path)[1] == path.with_suffix(".out").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ERR, ids=_stem)
def test_a_file_is_named_after_a_code_that_it_raises(path: Path) -> None:
    """And every complaint has a place and says what to do."""
    found, _ = complaints(path)
    assert path.stem.partition("-")[0] in {complaint.code for complaint in found}
    assert [complaint for complaint in found if complaint.span is None or not complaint.hint] == []


def test_every_code_is_raised_by_some_file_and_named_in_the_program() -> None:
    """The table of codes holds nothing that cannot happen, and everything that can."""
    raised = {complaint.code for path in ERR for complaint in complaints(path)[0]}
    assert {code for code in raised if code.startswith("P")} == set(PIPELINE_CODES)
    sources = (path.read_text(encoding="utf-8") for path in (CHECKOUT / "ocsf_pipe" / "run").glob("pipeline_*.py"))
    named = {code for source in sources for code in re.findall(r'"(P\d{3})"', source)}
    assert named <= set(PIPELINE_CODES)


def test_nothing_stale_lies_in_the_corpus() -> None:
    """Every expectation belongs to a pipeline file."""
    assert [path for path in (ROOT / "err").glob("*.out") if not path.with_suffix(".yaml").exists()] == []


@pytest.mark.parametrize("path", ERR, ids=_stem)
def test_no_secret_is_ever_shown(path: Path) -> None:
    """Neither one that was fetched nor one that stands in the file, in complaints as text or as values."""
    found, text = complaints(path)
    assert SECRET not in text + repr(found)
    assert "hunter2" not in text + repr(found)


def test_everything_that_is_written_is_meant() -> None:
    """The whole file, value by value."""
    pipeline = loaded(ROOT / "ok" / "whole.yaml")
    assert (pipeline.name, pipeline.lake, pipeline.state) == ("prod.eu-1", "s3://lake/eu", Path("/var/lib/ocsf-pipe"))
    assert pipeline.batch == BatchSpec(2.5, 16 << 20)
    assert pipeline.threads == 2
    assert pipeline.metrics == MetricsSpec("::1", 9464)
    assert pipeline.log == LogSpec("debug", "json")
    retain = {"default": 365, "authentication": 730, "_quarantine": 30}
    assert pipeline.maintenance == MaintenanceSpec(1800.0, None, 43200.0, retain)
    assert [pipeline.maintenance.days(name) for name in ("authentication", "base_event")] == [730, 365]
    door, gate = pipeline.sources
    assert (door.name, door.connector, door.mappings) == ("door", "probe", ("okta.system_log", "zeek.ssl"))
    assert door.revealed() == {
        "folder": "in",
        "take": 5,
        "mode": "fast",
        "loud": True,
        "names": ["a", "b"],
        "token": SECRET,
        "tokens": [SECRET, "another-s3cr3t"],
        "user": "ana",
        "tls": {"ca": "ca.pem", "key": SECRET},
        "wait": "soon",
    }
    assert gate == SourceSpec("gate", "probe", (), {"folder": "in", "wait": 2})


def test_what_is_not_written_is_as_usual() -> None:
    """Two seconds, 40 MiB, hourly compaction, rows kept for ever, no listener, spools below the lake."""
    pipeline = loaded(ROOT / "ok" / "least.yaml")
    assert pipeline.batch == BatchSpec(2.0, 40 << 20)
    assert pipeline.maintenance == MaintenanceSpec(3600.0, 86400.0, 7 * 86400.0, {})
    assert pipeline.maintenance.days("authentication") is None
    assert pipeline.metrics is None
    assert pipeline.state == Path("lake/_state")
    assert pipeline.sources[0].mappings == ()
    assert loaded(ROOT / "ok" / "metrics-with-nothing-said.yaml").metrics == MetricsSpec("127.0.0.1", 9464)


def test_a_secret_shows_itself_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Not in texts of any kind; it says where it came from instead."""
    pipeline = loaded(ROOT / "ok" / "whole.yaml")
    secret = pipeline.sources[0].settings["token"]
    logging.getLogger("ocsf_pipe").warning("%s %r", secret, pipeline)
    shown = [repr(pipeline), str(secret), f"{secret:>30}", f"{secret!r}", caplog.text, str(vars(ValueError(secret)))]
    assert all(SECRET not in text and "another-s3cr3t" not in text for text in shown)
    assert repr(secret) == "Secret(env PROBE_TOKEN)"
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_secret_is_equal_to_the_same_text_alone() -> None:
    """Not to the text itself, nor to a secret of another text."""
    assert Secret("a", "env A") == Secret("a", "file b")
    assert Secret("a", "env A") != Secret("b", "env A")
    assert Secret("a", "env A") != "a"


def test_a_secret_file_loses_its_last_line_end_only(tmp_path: Path) -> None:
    """Blanks and inner line ends are part of a secret."""
    (tmp_path / "key").write_bytes(b" one\ntwo \r\n")
    assert fetched("file", str(tmp_path / "key")).reveal() == " one\ntwo "


def test_a_file_that_cannot_be_read_is_an_io_error(tmp_path: Path) -> None:
    """That is not a complaint about what it says."""
    with pytest.raises(FileNotFoundError):
        load_pipeline(tmp_path / "none.yaml")


def test_a_connector_whose_client_is_not_installed_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a complaint at the connector's name."""
    (tmp_path / "probe_without_client.py").write_text("import there_is_no_such_client\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("ocsf_pipe.run.pipeline_sources.CONNECTORS", {"probe": "probe_without_client"})
    with pytest.raises(PipelineError, match=r"cannot be loaded: No module named 'there_is_no_such_client'"):
        loaded(ROOT / "ok" / "least.yaml")


# ---------------------------------------------------------------------- the JSON Schema for editors


def _plain(path: Path) -> object:
    reader = Reader(path.name, path.read_text(encoding="utf-8"))
    root = reader.root()
    assert root is not None
    return reader.plain(root)


def test_the_schema_of_pipeline_files_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m ocsf_pipe.run.pipeline_schema > schemas/pipeline.schema.json` renews it."""
    for module in ("pipeline_schema", "pipeline_sources"):
        monkeypatch.setattr(f"ocsf_pipe.run.{module}.CONNECTORS", CONNECTORS)
    written = json.loads((schemas_dir() / "pipeline.schema.json").read_text(encoding="utf-8"))
    assert written == pipeline_schema.schema()
    Draft202012Validator.check_schema(written)


@pytest.mark.parametrize("path", OK, ids=_stem)
def test_a_right_file_is_valid(path: Path) -> None:
    """By the schema too."""
    assert [error.message for error in Draft202012Validator(pipeline_schema.schema()).iter_errors(_plain(path))] == []


@pytest.mark.parametrize("path", [path for path in SHAPE if path.stem not in ONLY_SAID], ids=_stem)
def test_a_wrong_shape_is_not_valid(path: Path) -> None:
    """Unknown and missing keys, wrong kinds and words, secrets that stand in the file."""
    assert not Draft202012Validator(pipeline_schema.schema()).is_valid(_plain(path))


def test_the_keys_are_those_of_the_parser() -> None:
    """At every level, no more and no fewer."""
    top = pipeline_schema.schema()["properties"]
    assert set(top) == set(pipeline_parse.TOP)
    for name, keys in (("batch", "BATCH"), ("metrics", "METRICS"), ("log", "LOG"), ("maintenance", "MAINTENANCE")):
        assert set(top[name]["properties"]) == set(getattr(pipeline_parse, keys))


# ---------------------------------------------------------------------- the page about them


PAGE = (CHECKOUT / "docs" / "pipeline.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_is_right(tmp_path: Path) -> None:
    """As it stands there."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "pipeline.yaml").write_text(blocks[0])
    pipeline = load_pipeline(tmp_path / "pipeline.yaml")
    assert (pipeline.name, [source.name for source in pipeline.sources]) == ("prod", ["cloudtrail"])


def test_the_page_names_every_key() -> None:
    """Of the file, and of what lies below."""
    inner = {
        f"{name}.{key}"
        for name in ("batch", "metrics", "log", "maintenance")
        for key in getattr(pipeline_parse, name.upper())
    }
    keys = (set(pipeline_parse.TOP) - {"batch", "metrics", "log", "maintenance"}) | inner
    assert {key for key in keys if f"`{key}`" not in PAGE} == set()
