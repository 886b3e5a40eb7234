"""Runs find the mapping of these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.run.acme import write_mapping


@pytest.fixture(autouse=True, scope="session")
def mappings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of mappings of our own."""
    folder = tmp_path_factory.mktemp("mappings")
    write_mapping(folder)
    return folder


@pytest.fixture(autouse=True)
def _found(mappings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCSF_PIPE_MAPPINGS", str(mappings))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Return where a lake will be."""
    return tmp_path / "lake"
