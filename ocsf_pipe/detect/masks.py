"""What a condition asks → a function from rows of a batch to its answers, the cheap parts first.

Of a conjunction, a part is asked of the rows alone that the parts before it leave.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from ocsf_pipe.detect.asks import Ask, Every, Flag, Later, Look, Some, Text, Unless
from ocsf_pipe.detect.batches import Answers, Batch, Rows
from ocsf_pipe.detect.words import FALSE, OPEN, TRUE, judge

Mask: TypeAlias = Callable[[Batch, Rows], Answers]


@dataclass(slots=True)
class Masks:
    """Makes the functions. `whole` texts are read with all their places, `repeating` is SQL of columns."""

    whole: Collection[Text] = ()
    repeating: Collection[str] = ()
    looks: dict[Look, tuple[int, Mask]] = field(default_factory=dict)

    def column(self, text: Text) -> str:
        """The SQL of the column that a text is read from."""
        return text.whole if text.whole is not None and text in self.whole else text.first

    def mask(self, ask: Ask) -> Mask:
        """The function of a condition."""
        return self._made(ask)[1]

    def _made(self, ask: Ask) -> tuple[int, Mask]:
        """The function, and a guess of what it costs to ask."""
        match ask:
            case Look():
                if ask not in self.looks:
                    self.looks[ask] = self._look(ask)
                return self.looks[ask]
            case Flag(sql=sql):
                return 1, lambda batch, rows: batch.flags[sql][rows]
            case Unless(part=part):
                cost, inner = self._made(part)
                return cost, lambda batch, rows: (TRUE - inner(batch, rows)).astype(np.int8)
            case Every(parts=parts):
                return self._parts(parts, _every)
            case Some(parts=parts):
                return self._parts(parts, _some)
            case Later():
                return 1000, lambda _batch, rows: np.full(len(rows), OPEN, np.int8)
            case _:
                raise TypeError(f"{type(ask).__name__} stands alone")

    def _look(self, ask: Look) -> tuple[int, Mask]:
        sql = self.column(ask.text)
        settled = ask.text.whole is not None and sql == ask.text.whole
        said, key = judge(ask.tree, settled=settled), len(self.looks)
        return 2 if sql in self.repeating else 10, lambda batch, rows: batch.columns[sql].answers(said, key, rows)

    def _parts(self, parts: tuple[Ask, ...], join: Callable[[tuple[Mask, ...]], Mask]) -> tuple[int, Mask]:
        made = sorted(map(self._made, parts), key=lambda one: one[0])
        return sum(cost for cost, _ in made), join(tuple(mask for _, mask in made))


def _every(parts: tuple[Mask, ...]) -> Mask:
    def mask(batch: Batch, rows: Rows) -> Answers:
        found = np.full(len(rows), TRUE, np.int8)
        for part in parts:
            left = np.flatnonzero(found)
            if not left.size:
                break
            found[left] = np.minimum(found[left], part(batch, rows[left]))
        return found

    return mask


def _some(parts: tuple[Mask, ...]) -> Mask:
    def mask(batch: Batch, rows: Rows) -> Answers:
        found = np.full(len(rows), FALSE, np.int8)
        for part in parts:
            left = np.flatnonzero(found != TRUE)
            if not left.size:
                break
            found[left] = np.maximum(found[left], part(batch, rows[left]))
        return found

    return mask
