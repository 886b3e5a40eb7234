"""What `every` sets exists in at least one class of the mapping."""

from __future__ import annotations

from collections.abc import Iterator

from ocsf_pipe.errors import Diagnostic, did_you_mean
from ocsf_pipe.mapping.syntax import Mapping
from ocsf_pipe.schema import Schema


def check(mapping: Mapping, schema: Schema) -> Iterator[Diagnostic]:
    """Complain about an attribute of `every` that no class of the mapping has."""
    classes = [schema.classes[rule.class_name] for rule in mapping.rules if rule.class_name in schema.classes]
    known = {name for kind in classes for name in kind.attributes}
    for entry in mapping.every if classes else ():
        if entry.path[0] not in known:
            hint = did_you_mean(entry.path[0], known) or "`ocsf-pipe schema show` lists the attributes of a class"
            text = f"none of the classes here has an attribute `{entry.path[0]}`"
            yield Diagnostic("M302", text, entry.span, hint)
