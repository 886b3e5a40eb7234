"""A mapping ends in a rule that takes every record."""

from __future__ import annotations

from collections.abc import Iterator

from ocsf_pipe.errors import Diagnostic
from ocsf_pipe.mapping.syntax import LiteralExpr, Mapping, Rule
from ocsf_pipe.schema import Schema


def check(mapping: Mapping, _schema: Schema) -> Iterator[Diagnostic]:
    """Complain where some record may be left without a class."""
    mains = [rule for rule in mapping.rules if not rule.also]
    if any(_takes_all(rule) for rule in mains) or mapping.events_span is None:
        return
    hint = "end with a rule without `when`, for example `- class: base_event`"
    if not mains:
        yield Diagnostic("M402", "no event rule takes the records", mapping.events_span, hint)
        return
    yield Diagnostic("M402", f"records that `{mains[-1].name}` does not take have no class", mains[-1].span, hint)


def _takes_all(rule: Rule) -> bool:
    always = rule.when is None or (isinstance(rule.when, LiteralExpr) and rule.when.value is True)
    return always and rule.for_each is None
