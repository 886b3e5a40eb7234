"""What kind of pattern a pattern is, so that those of one kind are looked for together."""

from __future__ import annotations

from collections.abc import Sequence

from ocsf_pipe.detect.asks import Ask, Word
from ocsf_pipe.detect.matching import folded
from ocsf_pipe.detect.tree import Pattern, Wild


def shape(parts: tuple[str | Wild, ...]) -> tuple[str, str]:
    """The kind of a pattern and its literal; no kind where it has more than one."""
    match parts:
        case ():
            return "is", ""
        case (str() as whole,):
            return "is", whole
        case (Wild(many=True),):
            return "contains", ""
        case (Wild(many=True), str() as middle, Wild(many=True)):
            return "contains", middle
        case (str() as head, Wild(many=True)):
            return "starts", head
        case (Wild(many=True), str() as tail):
            return "ends", tail
        case _:
            return "", ""


def by_shape(parts: Sequence[Ask]) -> tuple[dict[str, list[str]], list[Ask]]:
    """The literals of patterns that ignore letter case by their kind, and the other conditions."""
    kinds: dict[str, list[str]] = {}
    rest: list[Ask] = []
    for part in parts:
        kind, literal = "", ""
        match part:
            case Word(test=Pattern(cased=False) as test):
                kind, literal = shape(folded(test))
        if kind:
            kinds.setdefault(kind, []).append(literal)
        else:
            rest.append(part)
    return kinds, rest
