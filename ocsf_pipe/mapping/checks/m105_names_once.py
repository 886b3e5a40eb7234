"""Rules and lets have names of their own."""

from __future__ import annotations

from collections.abc import Iterator

from ocsf_pipe.errors import Diagnostic
from ocsf_pipe.mapping.syntax import Mapping
from ocsf_pipe.schema import Schema


def check(mapping: Mapping, _schema: Schema) -> Iterator[Diagnostic]:
    """Complain about the second rule of one name."""
    seen: set[str] = set()
    for rule in mapping.rules:
        if rule.name in seen:
            hint = "give one of them a `name:` of its own"
            yield Diagnostic("M105", f"two event rules are named `{rule.name}`", rule.span, hint)
        seen.add(rule.name)
