"""Which ATT&CK techniques the rules reach: a layer for the ATT&CK Navigator."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.detect.states import Judged

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)", re.IGNORECASE)
_SCORES = {"live": 100, "degraded": 50, "blind": 0}


def techniques(rule: Rule) -> list[str]:
    """The ATT&CK techniques of a rule's tags: `T1059.001`."""
    return [found[1].upper() for tag in rule.tags if (found := _TECHNIQUE.fullmatch(tag))]


def layer(judged: Iterable[tuple[Rule, Judged]], name: str) -> dict[str, Any]:
    """A Navigator layer: a technique's score is that of its best rule, 100 live, 50 degraded, 0 blind."""
    found: dict[str, list[tuple[Rule, Judged]]] = {}
    for rule, state in judged:
        for technique in techniques(rule):
            found.setdefault(technique, []).append((rule, state))
    return {
        "name": name,
        "versions": {"attack": "17", "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": "Sigma rules over this lake: 100 live, 50 degraded, 0 blind",
        "gradient": {"colors": ["#ff6666", "#ffe766", "#8ec843"], "minValue": 0, "maxValue": 100},
        "techniques": [_technique(technique, rules) for technique, rules in sorted(found.items())],
    }


def _technique(technique: str, rules: list[tuple[Rule, Judged]]) -> dict[str, Any]:
    counts = {state: sum(judged.state == state for _, judged in rules) for state in _SCORES}
    return {
        "techniqueID": technique,
        "score": max(_SCORES[judged.state] for _, judged in rules),
        "comment": ", ".join(f"{count} {state}" for state, count in counts.items() if count),
        "metadata": [{"name": state, "value": str(count)} for state, count in counts.items()],
    }
