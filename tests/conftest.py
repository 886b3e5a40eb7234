"""What every test can count on: a checkout's root, and Hypothesis that is bounded and repeatable."""

from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every run: a failure that a colleague sees is one that everybody sees.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=100, print_blob=True)
settings.register_profile("search", deadline=None, max_examples=5000)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).resolve().parent.parent
