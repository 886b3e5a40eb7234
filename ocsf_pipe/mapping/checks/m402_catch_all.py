"""A mapping ends in a rule that takes every record."""

from __future__ import annotations

from collections.abc import Iterator

from ocsf_pipe.errors import Diagnostic
from ocsf_pipe.mapping.syntax import LiteralExpr, Mapping
from ocsf_pipe.schema import Schema


def check(mapping: Mapping, _schema: Schema) -> Iterator[Diagnostic]:
    """Complain where some record may be left without a class."""
    mains = [rule for rule in mapping.rules if not rule.also]
    if not mains:
        if mapping.rules or mapping.name:
            yield Diagnostic("M402", "no event rule takes the records", mapping.name_span, "end with `- class: base_event`")
        return
    last = mains[-1]
    always = last.when is None or (isinstance(last.when, LiteralExpr) and last.when.value is True)
    if not always or last.for_each is not None:
        hint = "end with a rule without `when`, for example `- class: base_event`"
        yield Diagnostic("M402", f"records that `{last.name}` does not take have no class", last.span, hint)
