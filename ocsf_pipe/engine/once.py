"""Results that are worked out once for each plan or shape, though every record asks for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")

_MOST = 10_000


def once_for_each(function: Callable[[Argument], Result]) -> Callable[[Argument], Result]:
    """Remember what a function gives for its argument, by identity; the argument may never change.

    Not by equality: the hash of a shape goes through all that is below it, and a plan has none. The argument is kept
    beside its result, so that no other object comes to have its id.
    """
    known: dict[int, tuple[Argument, Result]] = {}

    @wraps(function)
    def remembered(argument: Argument) -> Result:
        found = known.get(id(argument))
        if found is None:
            if len(known) >= _MOST:
                known.clear()
            found = known[id(argument)] = (argument, function(argument))
        return found[1]

    return remembered
