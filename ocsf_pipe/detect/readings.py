"""Where a source path stands in an event: what the mapping read backwards says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ocsf_pipe.plan.nodes import Node, Path


@dataclass(frozen=True, slots=True)
class Value:
    """An expression over attributes that is the source's text wherever it is not null.

    `folded`: letter case is lost. `lost`: texts of the source that it is null for, beside the missing one. `shared`:
    the attribute may hold another path's value. `partial`: it may be null though the source has a value. `masks`: texts
    that the mapping puts in place of what the source has.
    """

    node: Node
    folded: bool = False
    lost: tuple[str, ...] = ()
    shared: bool = False
    partial: bool = False
    masks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Keys:
    """An enum: which texts of the source give which id; or a boolean, whose ids are `true` and `false`.

    An id of `vague` also stands for texts that are not listed. `other` is the attribute with the source's own text
    where the id is 99. The rest as in `Value`.
    """

    node: Node
    texts: tuple[tuple[int | str, tuple[str, ...]], ...]
    vague: tuple[int, ...] = ()
    other: Node | None = None
    folded: bool = False
    lost: tuple[str, ...] = ()
    shared: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Inside:
    """A place inside a JSON document: an attribute (`node`), `unmapped`, or the raw record.

    `lists`: a list may stand anywhere on the way, and any of its elements will do.
    """

    document: Literal["attribute", "unmapped", "raw"]
    path: Path
    node: Node | None = None
    lists: bool = True


@dataclass(frozen=True, slots=True)
class Named:
    """A named value of a Windows event, cut out of the raw record, be it XML or JSON."""

    name: str


Place: TypeAlias = Value | Keys | Inside | Named


@dataclass(frozen=True, slots=True)
class Reading:
    """The places of one source path in the events of one rule, the first that has a value counts.

    `source` is the path's last key as it stands in a raw record. No places: nothing of the event tells the value.
    """

    source: Path
    places: tuple[Place, ...] = ()
    why: str = ""

    @property
    def state(self) -> Literal["live", "degraded", "blind"]:
        """Live: an attribute. Degraded: only `unmapped` or the raw record. Blind: nowhere."""
        if not self.places:
            return "blind"
        first = self.places[0]
        typed = isinstance(first, Value | Keys) or (isinstance(first, Inside) and first.document == "attribute")
        return "live" if typed else "degraded"
