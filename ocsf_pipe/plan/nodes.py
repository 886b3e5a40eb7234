"""What to compute for a record, as frozen values. Knows no engine and holds no behaviour.

A `Plan` routes each record to one main event rule and any number of `also` rules. A rule is a flat list of
`Assign`s (attribute path ← expression over the record) followed by `derive`d assigns whose expressions read only
attributes (`Attr`), literals and the record's own frame (`Frame`). Objects exist only as dotted paths here; their
requirements are listed in `objects`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ocsf_pipe.carried import Carried
from ocsf_pipe.errors import Span
from ocsf_pipe.ops.conversion import Scalar
from ocsf_pipe.ops.types import Type

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Const(Carried):
    """A constant."""

    value: str | int | float | bool | None
    type: Type


@dataclass(frozen=True, slots=True)
class Read(Carried):
    """A value of the record. Steps are keys, 0-based indexes and `*` (every element, nested ones flattened).

    `type` is text (a scalar's text, or the JSON text of an object or list), json (the JSON text whatever the kind),
    object (only its nullness counts), or a list.
    """

    steps: tuple[str | int, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class Var(Carried):
    """A variable of an enclosing `Each`, or of the rule's `for_each`."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Get(Carried):
    """One field of an object value."""

    of: Node
    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class LetRef(Carried):
    """The value of a let."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Attr(Carried):
    """The final value of an attribute of the same event (only in derived assigns)."""

    path: Path
    type: Type


@dataclass(frozen=True, slots=True)
class Frame(Carried):
    """What surrounds the record: its raw text, its byte length, its stable id, the clock, what was not consumed."""

    what: Literal["raw", "raw_size", "uid", "clock", "unmapped", "element"]
    type: Type


@dataclass(frozen=True, slots=True)
class Call(Carried):
    """An op and its arguments."""

    op: str
    args: tuple[Node, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class Case(Carried):
    """The value of the first arm whose condition is true; else `otherwise`; else null."""

    arms: tuple[tuple[Node, Node], ...]
    otherwise: Node | None
    type: Type


@dataclass(frozen=True, slots=True)
class Lookup(Carried):
    """`table[subject]`, by equality (a boolean by `true` and `false`); else `otherwise`, for null too."""

    subject: Node
    table: tuple[tuple[str | int, Node], ...]
    otherwise: Node | None
    type: Type


@dataclass(frozen=True, slots=True)
class Convert(Carried):
    """The total conversion of a value to an OCSF scalar: null where it does not convert."""

    value: Node
    to: Scalar
    type: Type


@dataclass(frozen=True, slots=True)
class MakeObject(Carried):
    """An object inside a list; null where all its fields are null or `needs` does not hold."""

    fields: tuple[tuple[str, Node], ...]
    needs: Needs
    type: Type


@dataclass(frozen=True, slots=True)
class MakeList(Carried):
    """A list of values without the null ones; null where none is left."""

    items: tuple[Node, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class Each(Carried):
    """`value` for every element of `items` that satisfies `where`, null ones left out; null where none is left.

    With `first` only the first of them. `at` names the 1-based position.
    """

    items: Node
    name: str
    at: str | None
    where: Node | None
    value: Node
    first: bool
    type: Type


Node: TypeAlias = (
    Const | Read | Var | Get | LetRef | Attr | Frame | Call | Case | Lookup | Convert | MakeObject | MakeList | Each
)


@dataclass(frozen=True, slots=True)
class Needs(Carried):
    """What an object must hold: every one of `required`, one of `any_of`, exactly one of `just_one`."""

    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    just_one: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assign(Carried):
    """One attribute and its value; `failed` is true where a non-null source value did not convert.

    `sources` are the source paths the value reads; `line` is where the author wrote it (0: derived).
    """

    path: Path
    value: Node
    type: Type
    failed: Node | None = None
    expected: str = ""
    sources: tuple[Path, ...] = ()
    span: Span | None = None


def default_of(assign: Assign) -> Const | None:
    """The constant that stands for an absent value, as 0 Unknown does for a required enum; None for none."""
    value = assign.value
    if isinstance(value, Call) and value.op == "coalesce" and isinstance(value.args[-1], Const):
        return value.args[-1]
    return None


@dataclass(frozen=True, slots=True)
class ObjectNeeds(Carried):
    """The requirements of one object of the event; `path` is empty for the event itself.

    An optional object that does not meet them is left out; a required one sends the record to quarantine.
    """

    path: Path
    needs: Needs
    required: bool
    constant: tuple[str, ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Route(Carried):
    """One event rule."""

    name: str
    class_name: str
    class_uid: int
    when: Node | None
    also: bool
    for_each: tuple[str, Node] | None
    assigns: tuple[Assign, ...]
    objects: tuple[ObjectNeeds, ...]
    derived: tuple[Assign, ...]
    locals: tuple[tuple[str, Node], ...]
    consumed: tuple[Path, ...]
    profiles: tuple[str, ...]
    span: Span | None = None

    @property
    def table(self) -> str:
        """The table of its events: the class without the extension's prefix."""
        return self.class_name.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Shape(Carried):
    """What of a record is decoded: `text`, `json`, an `object` with fields, or a `list` with an item."""

    kind: Literal["text", "json", "object", "list"]
    fields: tuple[tuple[str, Shape], ...] = ()
    item: Shape | None = None


@dataclass(frozen=True, slots=True)
class SigmaRoute(Carried):
    """Which event rules serve a Sigma logsource, and where Sigma's fields stand in the record.

    `fields` gives a field its source path; one that is in neither `fields` nor the plan stands below `under`. `several`
    gives a field more than one: a test of it is a test of any of them, as of the elements of a list. `joins`
    gives a field an expression over the attributes of the event (`Attr`) that makes the source's text again; `where`
    is a condition on them that tells which events are of the logsource.
    """

    logsource: tuple[tuple[str, str], ...]
    events: tuple[str, ...]
    fields: tuple[tuple[str, Path], ...] = ()
    under: Path = ()
    joins: tuple[tuple[str, Node], ...] = ()
    where: Node | None = None
    several: tuple[tuple[str, tuple[Path, ...]], ...] = ()


CONTENT, TIER = "$content", "$tier"
"""The keys under which a sealed record says what was sealed in it, and how content is kept; no source's own."""


@dataclass(frozen=True, slots=True)
class Content(Carried):
    """Text that no event may hold: the keys that lead to it, lists gone through; a `*` in a key is any text.

    kind: what it is to the conversation, such as `prompt`. keep: keys below it that lead to scalars which are no
    content; with none, all that stands there is sealed as one.
    """

    path: Path
    kind: str
    keep: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan(Carried):
    """A compiled mapping. `digest` names what it computes: equal digests, equal results."""

    mapping: str
    version: str
    format: str
    settings: Mapping[str, Any]
    records: tuple[str | int, ...]
    recognise: Node | None
    shape: Shape
    lets: tuple[tuple[str, Node], ...]
    drops: tuple[tuple[str, Node], ...]
    routes: tuple[Route, ...]
    file: str = ""
    title: str = ""
    digest: str = ""
    sources: tuple[Path, ...] = field(default=())
    sigma: tuple[SigmaRoute, ...] = ()
    content: tuple[Content, ...] = ()
