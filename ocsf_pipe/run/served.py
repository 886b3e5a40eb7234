"""The mappings that rules can need: compiling all there are takes seconds, and most serve no rule at hand."""

from __future__ import annotations

from collections.abc import Iterable

from ocsf_pipe.detect.rules import Rule
from ocsf_pipe.mapping.catalogue import Listed, catalogue
from ocsf_pipe.plan.nodes import Plan


def plans_for(rules: Iterable[Rule]) -> list[Plan]:
    """The compiled mappings that serve the logsource of one of the rules at least; raises MappingError."""
    wanted = {rule.logsource for rule in rules if rule.tree is not None}
    return [listed.plan for listed in catalogue().values() if _serves(listed, wanted)]


def _serves(listed: Listed, wanted: Iterable[tuple[tuple[str, str], ...]]) -> bool:
    served = [set(one.logsource.items()) for one in listed.syntax.sigma]
    return any(set(logsource) <= one for logsource in wanted for one in served)
