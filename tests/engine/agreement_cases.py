"""The shipped mappings and their samples, as the agreement tests take them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ocsf_pipe.decode import FORMATS
from ocsf_pipe.engine.duckdb import DuckEngine
from ocsf_pipe.mapping import compile_mapping
from ocsf_pipe.source import Records

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
SHIPPED = sorted(str(path.parent.relative_to(MAPPINGS)) for path in MAPPINGS.glob("*/*/mapping.yaml"))


@cache
def engine(name: str) -> DuckEngine:
    """The engine of a shipped mapping, planned once."""
    return DuckEngine(compile_mapping(MAPPINGS / name / "mapping.yaml"), threads=1)


def runs(name: str) -> list[Records]:
    """The records of all samples of a shipped mapping, run by run."""
    plan = engine(name).plan
    found: list[Records] = []
    for path in sorted((MAPPINGS / name / "samples").glob("*.input.*")):
        with path.open("rb") as stream:
            found += [records for records in FORMATS[plan.format].read(stream, plan.settings) if len(records)]
    return found


def documents(name: str) -> list[str]:
    """The samples of a shipped mapping as JSON texts; none where its records are columns."""
    texts: list[str] = []
    for records in runs(name):
        if records.columns is None:
            texts += (records.raw if records.json is None else records.json).to_pylist()
    return texts
