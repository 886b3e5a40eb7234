"""What the tests of the lake share."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocsf_pipe.lake import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Return an empty lake."""
    return Lake(tmp_path / "lake", create=True)
