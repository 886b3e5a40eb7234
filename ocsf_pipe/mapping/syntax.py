"""What the author wrote: the mapping file as frozen values, every one with its place.

Right sides (`Side`) are what may stand right of an attribute; expressions (`Expr`) are what may stand in a plain
YAML scalar. Nothing here is typed or checked: that is the business of `checks/` and `lower.py`.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ocsf_pipe.errors import Span

RULE_WORDS = ("name", "class", "when", "for_each", "also")
"""The keys of an event rule that are no attributes."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: a key (`name`), a 0-based `index`, or every element (`star`)."""

    name: str | None = None
    index: int | None = None
    star: bool = False

    def __str__(self) -> str:
        """The step as it is written: `name`, `[0]` or `[*]`."""
        if self.name is not None:
            return self.name
        return "[*]" if self.star else f"[{self.index}]"


@dataclass(frozen=True, slots=True)
class PathExpr:
    """A path into the record, a let or a variable."""

    steps: tuple[Step, ...]
    span: Span

    @property
    def head(self) -> str:
        """The first word."""
        return self.steps[0].name or ""


@dataclass(frozen=True, slots=True)
class LiteralExpr:
    """A text, number, boolean or null written in an expression."""

    value: str | int | float | bool | None
    span: Span


@dataclass(frozen=True, slots=True)
class ApplyExpr:
    """An op and what it is given; `sign` is how an operator was written (`=`, `and`), empty for a call by name."""

    op: str
    args: tuple[Expr, ...]
    span: Span
    sign: str = ""


@dataclass(frozen=True, slots=True)
class CaseExpr:
    """`case [subject] when … then … else … end`."""

    subject: Expr | None
    arms: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr | None
    span: Span


@dataclass(frozen=True, slots=True)
class FollowExpr:
    """A path that goes on after a call: `parse_json(x).a.b`."""

    of: Expr
    steps: tuple[Step, ...]
    span: Span


Expr: TypeAlias = PathExpr | LiteralExpr | ApplyExpr | CaseExpr | FollowExpr


@dataclass(frozen=True, slots=True)
class ConstantSide:
    """A text quoted in YAML: a constant, or a caption where the attribute is an enum.

    `plain` marks words that were not quoted and are no expression: they can only be a caption.
    """

    text: str
    span: Span
    plain: bool = False


@dataclass(frozen=True, slots=True)
class ExprSide:
    """A plain scalar: an expression, with its text because a caption (`Pass-thru`) may read like one."""

    expr: Expr
    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class CaseSide:
    """`{case: E, of: {value: side}, else: side}`."""

    subject: Expr
    arms: tuple[tuple[str, Span, Side], ...]
    otherwise: Side | None
    span: Span


@dataclass(frozen=True, slots=True)
class EachSide:
    """`{each: list, as: x, at: i, where: E, set: side}`, or `first:` for its first match."""

    items: Expr
    name: str | None
    at: str | None
    where: Expr | None
    value: Side | None
    first: bool
    span: Span


@dataclass(frozen=True, slots=True)
class ObjectSide:
    """An object; keys may be dotted."""

    entries: tuple[Entry, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ListSide:
    """A list of right sides; nulls are left out."""

    items: tuple[Side, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class EraseSide:
    """`null`: take away what `every` set."""

    span: Span


Side: TypeAlias = ConstantSide | ExprSide | CaseSide | EachSide | ObjectSide | ListSide | EraseSide


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table: an attribute path and its right side."""

    path: tuple[str, ...]
    value: Side
    span: Span


@dataclass(frozen=True, slots=True)
class Let:
    """A right side with a name."""

    name: str
    value: Side
    span: Span


@dataclass(frozen=True, slots=True)
class ForEach:
    """`for_each: list as x`: one event per element."""

    items: Expr
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Rule:
    """One event rule; `when` is None where it takes every record."""

    name: str
    class_name: str
    class_span: Span
    when: Expr | None
    for_each: ForEach | None
    also: bool
    entries: tuple[Entry, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Leave:
    """A source path that is consumed on purpose without being mapped."""

    path: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ContentPath:
    """A source path whose text no event may hold: its keys, what the text is, the keys below it that are kept."""

    path: tuple[str, ...]
    kind: str
    keep: tuple[tuple[str, ...], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Drop:
    """Records taken away on purpose."""

    when: Expr
    why: str
    span: Span


@dataclass(frozen=True, slots=True)
class FieldType:
    """A declared source path and its type as text; `span` is the type's place, `path_span` the path's."""

    path: tuple[str, ...]
    type_text: str
    span: Span
    path_span: Span


@dataclass(frozen=True, slots=True)
class Input:
    """How the source arrives and how its records are told from others."""

    format: str
    format_span: Span | None
    settings: MappingOf[str, Any]
    records: tuple[Step, ...]
    recognise: Expr | None
    fields: tuple[FieldType, ...]


@dataclass(frozen=True, slots=True)
class SigmaRoute:
    """Which Sigma logsource which rules serve, and where Sigma's fields stand: see `plan.nodes.SigmaRoute`."""

    logsource: MappingOf[str, str]
    events: tuple[str, ...]
    fields: MappingOf[str, tuple[str, ...]]
    span: Span
    event_spans: tuple[Span, ...] = ()
    under: tuple[str, ...] = ()
    joins: tuple[tuple[str, Expr], ...] = ()
    where: Expr | None = None
    several: MappingOf[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A whole mapping file; `events_span` is None where there is no list of events."""

    file: str
    source: str
    name: str
    name_span: Span | None
    title: str
    ocsf: str
    ocsf_span: Span | None
    product: MappingOf[str, str]
    references: tuple[str, ...]
    input: Input
    lets: tuple[Let, ...]
    every: tuple[Entry, ...]
    rules: tuple[Rule, ...]
    leave: tuple[Leave, ...] = ()
    drops: tuple[Drop, ...] = ()
    sigma: tuple[SigmaRoute, ...] = field(default=())
    events_span: Span | None = None
    content: tuple[ContentPath, ...] = ()
