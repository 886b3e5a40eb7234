"""Every rule names a class that the schema has."""

from __future__ import annotations

from collections.abc import Iterator

from ocsf_pipe.errors import Diagnostic, did_you_mean
from ocsf_pipe.mapping.syntax import Mapping
from ocsf_pipe.schema import Schema


def check(mapping: Mapping, schema: Schema) -> Iterator[Diagnostic]:
    """Complain about classes that OCSF does not have in this version."""
    for rule in mapping.rules:
        if rule.class_name and rule.class_name not in schema.classes:
            hint = did_you_mean(rule.class_name, schema.classes) or "`ocsf-pipe schema show` lists the classes"
            text = f"OCSF {schema.version} has no class `{rule.class_name}`"
            yield Diagnostic("M301", text, rule.class_span, hint)
