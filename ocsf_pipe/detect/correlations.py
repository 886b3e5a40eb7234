"""What a Sigma correlation asks for, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from ocsf_pipe.detect.conditions import Unsupported

Kind = Literal[
    "event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile",
    "value_median",
]  # fmt: skip
SIGNS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "EQ": "=", "NEQ": "<>"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A rule, by its place in the correlation, has fired in the window."""

    rule: int


@dataclass(frozen=True, slots=True)
class Both:
    """All of the parts."""

    parts: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any of the parts."""

    parts: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """Not the part."""

    part: Wanted


Wanted: TypeAlias = Seen | Both | Either | Without


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation over rules that are named by id or name.

    The window is `seconds` long and slides: it is looked at behind every event. `by` are the fields that make groups,
    `aliases` says for each rule which of its fields an alias is. `sign` and `count` compare the number of the window;
    `of` is the field that value_count and its like look at. `wanted` is the condition of a temporal correlation.
    """

    kind: Kind
    rules: tuple[str, ...]
    seconds: int
    by: tuple[str, ...]
    aliases: tuple[tuple[str, tuple[str | None, ...]], ...]
    sign: str = ">="
    count: int | float = 1
    of: tuple[str, ...] = ()
    percentile: int = 50
    wanted: Wanted | None = None


def correlation_of(rule: SigmaCorrelationRule) -> Correlation:
    """Read a correlation whose references are resolved; raises Unsupported."""
    references = list(dict.fromkeys(reference.reference for reference in rule.referenced_rules))
    aliases = tuple(
        (alias.alias, tuple({ref.reference: field for ref, field in alias.mapping.items()}.get(r) for r in references))
        for alias in rule.aliases
    )
    kind: Kind = rule.type.name.lower()  # type: ignore[assignment]
    common = Correlation(kind, tuple(references), rule.timespan.seconds, tuple(rule.group_by or ()), aliases)
    condition = rule.condition
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        wanted = _wanted(condition.parsed, references)
        if kind == "temporal_ordered" and wanted != Both(tuple(Seen(i) for i in range(len(references)))):
            raise Unsupported("rules in order are all of them, each behind the one before it")
        return replace(common, wanted=wanted)
    if kind == "temporal_ordered" and isinstance(condition, SigmaCorrelationCondition):
        if (condition.op.name, condition.count) not in {("GTE", len(references)), ("EQ", len(references))}:
            raise Unsupported("rules in order are all of them, each behind the one before it")
        return replace(common, count=len(references))
    of = (condition.fieldref,) if isinstance(condition.fieldref, str) else tuple(condition.fieldref or ())
    if kind not in ("event_count", "temporal", "temporal_ordered") and not of:
        raise Unsupported(f"{kind} needs the field whose values it looks at")
    percentile = 50 if condition.percentile is None else condition.percentile
    return replace(common, sign=SIGNS[condition.op.name], count=condition.count, of=of, percentile=percentile)


def _wanted(node: object, references: list[str]) -> Wanted:
    match node:
        case SigmaRuleReference(reference=reference):
            if reference not in references:
                raise Unsupported(f"the condition names `{reference}`, which is no rule of the correlation")
            return Seen(references.index(reference))
        case CorrelationConditionAND(args=args):
            return Both(tuple(_wanted(arg, references) for arg in args))
        case CorrelationConditionOR(args=args):
            return Either(tuple(_wanted(arg, references) for arg in args))
        case CorrelationConditionNOT(args=args):
            return Without(_wanted(args[0], references))
        case _:
            raise Unsupported(f"a condition of the kind {type(node).__name__}")
