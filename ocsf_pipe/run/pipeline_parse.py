"""Pipeline file → `Pipeline`: every value with its place, every complaint at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from ocsf_pipe.errors import Diagnostic, PipelineError, Span, did_you_mean
from ocsf_pipe.mapping.reader import NULLS, Reader
from ocsf_pipe.run.ingest import PIPELINE as INGEST
from ocsf_pipe.run.pipeline import TEXTS, BatchSpec, ContentSpec, LogSpec, MaintenanceSpec, MetricsSpec, Pipeline
from ocsf_pipe.run.pipeline_complaints import Complaints
from ocsf_pipe.run.pipeline_detect import detect_of
from ocsf_pipe.run.pipeline_sources import TIERS, sources_of
from ocsf_pipe.run.pipeline_values import (
    address_of,
    bytes_of,
    days_of,
    name_of,
    period_of,
    seconds_of,
    text_of,
    whole_of,
    word_of,
)
from ocsf_pipe.run.replay import PIPELINE as REPLAY
from ocsf_pipe.schema import load as load_schema

TOP = "pipeline lake state batch threads content metrics log maintenance detect sources".split()
BATCH = ("seconds", "bytes")
CONTENT = ("tier", "key_file")
METRICS = ("listen",)
LOG = ("level", "format")
MAINTENANCE = ("compact", "vacuum", "keep", "retain")
LEVELS = ("info", "debug", "warning", "error")
FORMATS = ("auto", "json", "text")
LEAST_BATCH, MOST_BATCH = 1 << 10, 1 << 30
MOST_THREADS = 64
STATE = "_state"


def load(path: Path) -> Pipeline:
    """Read a pipeline file; raises PipelineError with every complaint, and OSError where it cannot be read."""
    raw = path.read_bytes()
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        text = f"the byte 0x{raw[error.start]:02X} is not UTF-8"
        complaint = Diagnostic("P101", text, Span(str(path), line, column, column + 1), "save the file as UTF-8")
        raise PipelineError((complaint,), complaint.render()) from error
    return parse(source, path)


def parse(source: str, path: Path) -> Pipeline:
    """Read the text of a pipeline file; `path` is the name that complaints carry. Raises PipelineError."""
    reader = Reader(str(path), source)
    said = Complaints(reader)
    root = reader.root()
    pipeline = _pipeline(said, _top(said, root) if root is not None else {}, path)
    said.raise_if_any()
    return pipeline


def _top(said: Complaints, root: yaml.Node) -> dict[str, yaml.Node]:
    if not isinstance(root, yaml.MappingNode):
        said.add("P104", "a pipeline file must be a mapping", root, "begin it with `pipeline: NAME`")
        return {}
    top = said.reader.known(root, "the pipeline file", TOP)
    said.reader.missing(top, ("pipeline", "lake", "sources"), "the pipeline file", root)
    return top


def _pipeline(said: Complaints, top: Mapping[str, yaml.Node], path: Path) -> Pipeline:
    lake = _lake(said, top["lake"]) if "lake" in top else "lake"
    return Pipeline(
        name=name_of(said, top["pipeline"], "a pipeline", (INGEST, REPLAY)) if "pipeline" in top else "",
        lake=lake,
        state=_state(said, top, lake),
        batch=_batch(said, top.get("batch")),
        threads=whole_of(said, top["threads"], "`threads`", 1, MOST_THREADS) if "threads" in top else 1,
        metrics=_metrics(said, top.get("metrics")),
        log=_log(said, top.get("log")),
        content=_content(said, top.get("content")),
        maintenance=_maintenance(said, top.get("maintenance")),
        detect=detect_of(said, top.get("detect"), lake),
        sources=sources_of(said, top["sources"]) if "sources" in top else (),
        file=path,
    )


def _lake(said: Complaints, node: yaml.Node) -> str:
    text = text_of(said, node, "`lake`")
    scheme, found, _ = text.partition("://")
    if found and not scheme.replace("+", "").isalnum():
        said.add("P104", f"`{text}` is neither a folder nor a URL", node, "write `s3://bucket/prefix`")
    return text


def _state(said: Complaints, top: Mapping[str, yaml.Node], lake: str) -> Path:
    """The folder of spools: beside the tables where the lake is a folder, else it has to be named."""
    if "state" in top:
        return Path(text_of(said, top["state"], "`state`"))
    if "://" in lake:
        hint = "add `state:`, a local folder that outlives the process: what is accepted waits there"
        said.add("P103", "`state` is missing: the lake is not a local folder", top["lake"], hint)
    return Path(lake) / STATE


def _batch(said: Complaints, node: yaml.Node | None) -> BatchSpec:
    found = _table(said, node, "`batch`", BATCH)
    usual = BatchSpec()
    seconds = seconds_of(said, found["seconds"], "`batch.seconds`", 0.1) if "seconds" in found else usual.seconds
    size = usual.bytes
    if "bytes" in found:
        size = bytes_of(said, found["bytes"], "`batch.bytes`", LEAST_BATCH, MOST_BATCH)
    return BatchSpec(seconds, size)


def _metrics(said: Complaints, node: yaml.Node | None) -> MetricsSpec | None:
    if node is None:
        return None
    found = _table(said, node, "`metrics`", METRICS)
    return MetricsSpec(*address_of(said, found["listen"], "`metrics.listen`")) if "listen" in found else MetricsSpec()


def _log(said: Complaints, node: yaml.Node | None) -> LogSpec:
    found = _table(said, node, "`log`", LOG)
    return LogSpec(
        level=word_of(said, found["level"], "`log.level`", LEVELS) if "level" in found else "info",
        format=word_of(said, found["format"], "`log.format`", FORMATS) if "format" in found else "auto",
    )


def _maintenance(said: Complaints, node: yaml.Node | None) -> MaintenanceSpec:
    found = _table(said, node, "`maintenance`", MAINTENANCE)
    usual = MaintenanceSpec()
    return MaintenanceSpec(
        compact=_period(said, found, "compact", usual.compact),
        vacuum=_period(said, found, "vacuum", usual.vacuum),
        keep=seconds_of(said, found["keep"], "`maintenance.keep`") if "keep" in found else usual.keep,
        retain=_retain(said, found["retain"]) if "retain" in found else {},
    )


def _content(said: Complaints, node: yaml.Node | None) -> ContentSpec:
    """What becomes of text: one word, or a table with the place of the key."""
    if isinstance(node, yaml.ScalarNode) and node.value not in NULLS:
        return ContentSpec(word_of(said, node, "`content`", TIERS))
    found = _table(said, node, "`content`", CONTENT)
    tier = word_of(said, found["tier"], "`content.tier`", TIERS) if "tier" in found else TIERS[0]
    return ContentSpec(tier, text_of(said, found["key_file"], "`content.key_file`") if "key_file" in found else None)


def _period(said: Complaints, found: Mapping[str, yaml.Node], key: str, usual: float | None) -> float | None:
    return period_of(said, found[key], f"`maintenance.{key}`") if key in found else usual


def _retain(said: Complaints, node: yaml.Node) -> dict[str, int]:
    """Days by class, each a class of OCSF, the quarantine, the texts, or `default`."""
    schema = load_schema()
    known = {schema.classes[name].table for name in schema.classes} | {"_quarantine", TEXTS, "default"}
    days = {}
    for key, span, value in said.reader.entries(node, "`maintenance.retain`"):
        if key not in known:
            hint = did_you_mean(key, known) or "`ocsf-pipe schema` names the classes; `default` is every other class"
            said.reader.complain("P205", f"no class `{key}`", span, hint)
        days[key] = days_of(said, value, f"the days of `{key}`")
    return days


def _table(said: Complaints, node: yaml.Node | None, what: str, keys: tuple[str, ...]) -> dict[str, yaml.Node]:
    """The values of an optional mapping; nothing behind the colon is an empty one."""
    if node is None or (isinstance(node, yaml.ScalarNode) and not node.style and node.value in NULLS):
        return {}
    return said.reader.known(node, what, keys)
