"""A lake with what an agent and an application on a model said."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocsf_pipe.bundled import mappings_dir
from ocsf_pipe.lake import Lake
from ocsf_pipe.run.ingest import Ingest

SOURCES = ("anthropic.claude_code", "otel.genai", "okta.system_log")


@pytest.fixture(scope="session")
def ai_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with the samples of two AI sources and of one that is none."""
    lake = Lake(tmp_path_factory.mktemp("evidence") / "lake", create=True)
    for name in SOURCES:
        samples: list[Path] = sorted((mappings_dir() / name.replace(".", "/") / "samples").glob("*.input.*"))
        Ingest(lake, name).run([str(path) for path in samples])
    return lake
