"""A rule's folder: `rule.yml` or `rule.sql`, and beside it `settings.yml`, `tests.yml` and `playbook.md`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ocsf_pipe.detect.cases import Case, cases_of
from ocsf_pipe.detect.marked import Marked
from ocsf_pipe.detect.settings import USUAL, Settings, settings_of

RULES = ("rule.yml", "rule.sql")
SETTINGS, TESTS, PLAYBOOK = "settings.yml", "tests.yml", "playbook.md"
BESIDE = (SETTINGS,)
"""The files beside a rule that are part of it."""


def is_beside(path: Path) -> bool:
    """Whether a file belongs to a rule beside it and holds no rule itself."""
    return path.name in {SETTINGS, TESTS} and any((path.parent / name).is_file() for name in RULES)


def settings_beside(path: Path) -> tuple[Settings, tuple[str, ...]]:
    """The settings of a rule's file and what is wrong with them; the usual ones where there are none."""
    beside = path.parent / SETTINGS
    if path.name not in RULES or not beside.is_file():
        return USUAL, ()
    return _settings(beside, beside.stat().st_mtime_ns)


@lru_cache(maxsize=4096)
def _settings(path: Path, _changed: int) -> tuple[Settings, tuple[str, ...]]:
    marked = Marked(str(path))
    text, fault = read(path)
    found = settings_of(text, marked)
    return found, (fault,) if fault else tuple(marked.faults)


def cases_beside(path: Path) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """The tests of a rule's file and what is wrong with them; none where it has none."""
    beside = path.parent / TESTS
    if path.name not in RULES or not beside.is_file():
        return (), ()
    marked = Marked(str(beside))
    text, fault = read(beside)
    return cases_of(text, marked), (fault,) if fault else tuple(marked.faults)


def playbook_beside(path: Path) -> Path | None:
    """The playbook of a rule's file; None where it has none."""
    beside = path.parent / PLAYBOOK
    return beside if path.name in RULES and beside.is_file() else None


def read(path: Path) -> tuple[str, str]:
    """The text of a file, and why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig"), ""
    except (OSError, UnicodeDecodeError) as error:
        return "", f"{path}: {error}"
