"""What `sigma:` routes to is a rule of this mapping."""

from __future__ import annotations

from collections.abc import Iterator

from ocsf_pipe.errors import Diagnostic, did_you_mean
from ocsf_pipe.mapping.syntax import Mapping
from ocsf_pipe.schema import Schema


def check(mapping: Mapping, _schema: Schema) -> Iterator[Diagnostic]:
    """Complain about rule names that the mapping does not have."""
    names = [rule.name for rule in mapping.rules]
    for route in mapping.sigma:
        for name, span in zip(route.events, route.event_spans, strict=True):
            if name not in names:
                hint = did_you_mean(name, names) or "rules: " + ", ".join(names)
                yield Diagnostic("M406", f"no event rule is named `{name}`", span, hint)
