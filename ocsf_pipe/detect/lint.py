"""What is wrong with rules beside what each says of itself: names used twice, tests that cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ocsf_pipe.detect.folders import RULES, cases_beside
from ocsf_pipe.detect.rules import Rule


def complaints_about(rules: Sequence[Rule]) -> list[str]:
    """Every complaint, each with its file."""
    return [*_twice(rules), *_beside(rules)]


def _twice(rules: Sequence[Rule]) -> Iterator[str]:
    """Findings of two rules of one id would be taken for those of one; a correlation finds a rule by its name."""
    for what in ("id", "name"):
        counts = Counter(getattr(rule, what) for rule in rules if getattr(rule, what) and rule.fault is None)
        for rule in rules:
            name = getattr(rule, what)
            if rule.fault is None and counts.get(name, 0) > 1:
                yield f"{rule.path}: the {what} `{name}` is that of {counts[name]} rules; give each its own"


def _beside(rules: Sequence[Rule]) -> Iterator[str]:
    for path in dict.fromkeys(Path(rule.path) for rule in rules):
        if path.name in RULES:
            yield from cases_beside(path)[1]
