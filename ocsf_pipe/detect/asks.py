"""What a rule asks of the columns of a table, as frozen values that another process can take: no mapping, no segment.

A condition is cut into the parts that one text column answers (`Look`), those that DuckDB answers (`Flag`), and those
that are not worth reading for every row (`Later`). Answers are false, open or true: open where only places that are
read later can tell.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ocsf_pipe.carried import Carried
from ocsf_pipe.detect.tree import Exists, Null, Pattern, Regex


@dataclass(frozen=True, slots=True)
class Text(Carried):
    """A text of every event: the SQL of its first place, and of the first place that is not null (`whole`).

    `whole` is None where the first place is all there is, or the later ones are not one text each.
    """

    first: str
    whole: str | None = None


@dataclass(frozen=True, slots=True)
class Literal(Carried):
    """What a text contains, in lower case; where `open`, a null may stand for a text that does too."""

    text: Text
    part: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class Word(Carried):
    """A test of one text. `open`: a null says nothing yet."""

    test: Pattern | Regex | Null | Exists
    open: bool = False


@dataclass(frozen=True, slots=True)
class Look(Carried):
    """A condition over one text alone; the leaves of `tree` are words."""

    text: Text
    tree: Ask


@dataclass(frozen=True, slots=True)
class Flag(Carried):
    """A condition that DuckDB answers: SQL that is never null."""

    sql: str


@dataclass(frozen=True, slots=True)
class Later(Carried):
    """A condition over what is read of few rows alone; where it holds, the event contains `hint`."""

    hint: Literal | None = None


@dataclass(frozen=True, slots=True)
class Every(Carried):
    """All parts hold; true where there are none."""

    parts: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class Some(Carried):
    """A part holds; false where there are none."""

    parts: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class Unless(Carried):
    """The part does not hold."""

    part: Ask


Ask: TypeAlias = Word | Look | Flag | Later | Every | Some | Unless


@dataclass(frozen=True, slots=True)
class AllOf(Carried):
    """Each part holds: to look for one of them is enough."""

    parts: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class AnyOf(Carried):
    """One part holds: all of them have to be looked for."""

    parts: tuple[Need, ...]


Need: TypeAlias = "Literal | AllOf | AnyOf"


@dataclass(frozen=True, slots=True)
class Question(Carried):
    """A part of a rule: the number of the rule, SQL of the whole condition, of its guard alone, and the rest of it.

    The rest is `packed`, for most are carried to a process that never looks at them: what it looks at is `looks`, what
    DuckDB answers of it `flags`. `need`: what every event that satisfies it contains; None where it can hold without
    any literal.
    """

    rule: int
    condition: str
    guard: str
    packed: bytes
    looks: tuple[Text, ...]
    flags: tuple[str, ...]
    need: Need | None = None

    @staticmethod
    def of(rule: int, condition: str, guard: str, ask: Ask, need: Need | None = None) -> Question:
        """The question of a condition."""
        looks, answered = tuple(dict.fromkeys(texts(ask))), tuple(dict.fromkeys(flags(ask)))
        return Question(rule, condition, guard, pickle.dumps(ask, pickle.HIGHEST_PROTOCOL), looks, answered, need)

    @property
    def ask(self) -> Ask:
        """The rest of the condition."""
        found: Ask = pickle.loads(self.packed)  # noqa: S301 - packed by `of`
        return found


def every(parts: tuple[Ask, ...]) -> Ask:
    """All parts hold; what one text answers is asked of it together."""
    return _joined(Every, parts)


def some(parts: tuple[Ask, ...]) -> Ask:
    """A part holds; what one text answers is asked of it together."""
    return _joined(Some, parts)


def unless(part: Ask) -> Ask:
    """The part does not hold."""
    return Look(part.text, Unless(part.tree)) if isinstance(part, Look) else Unless(part)


def pieces(ask: Ask) -> Iterator[Word | Look | Flag | Later]:
    """Yield what a condition is put together from, from left to right; what one text answers is one piece."""
    match ask:
        case Unless(part=part):
            yield from pieces(part)
        case Every(parts=parts) | Some(parts=parts):
            for part in parts:
                yield from pieces(part)
        case _:
            yield ask


def texts(ask: Ask) -> Iterator[Text]:
    """Yield the texts that a condition looks at."""
    yield from (piece.text for piece in pieces(ask) if isinstance(piece, Look))


def flags(ask: Ask) -> Iterator[str]:
    """Yield the SQL of the conditions that DuckDB answers."""
    yield from (piece.sql for piece in pieces(ask) if isinstance(piece, Flag))


def _joined(kind: type[Every | Some], parts: tuple[Ask, ...]) -> Ask:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
    looks: dict[Text, list[Ask]] = {}
    for one in flat:
        if isinstance(one, Look):
            inner = one.tree
            looks.setdefault(one.text, []).extend(inner.parts if isinstance(inner, kind) else (inner,))
    found: list[Ask] = [Look(text, kind(tuple(of)) if len(of) > 1 else of[0]) for text, of in looks.items()]
    found += [one for one in flat if not isinstance(one, Look)]
    return found[0] if len(found) == 1 else kind(tuple(found))
