"""Connectors are importable from a checkout as they are from the installed wheel."""

import gc
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "connectors"))


@pytest.fixture
def sockets_left(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The client leaves the sockets of refused connections to the collector, which tells; its log holds on to them."""
    with caplog.at_level(logging.CRITICAL, "kafka"):
        yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
