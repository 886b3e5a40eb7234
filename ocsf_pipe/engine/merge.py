"""The rules of a mapping side by side: for each attribute, which rules give it which value.

All rules are computed in one pass over the rows, each row carrying the number of its rule. Values that several
rules share are written once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def by_route(values: Iterable[tuple[int, T]], emit: Callable[[T], str], routes: int) -> str:
    """One SQL value out of (rule, value) pairs; null for rules that give none."""
    groups: dict[T, list[int]] = {}
    for route, value in values:
        groups.setdefault(value, []).append(route)
    if len(groups) == 1 and len(next(iter(groups.values()))) == routes:
        return emit(next(iter(groups)))
    arms = " ".join(f"when {among(found)} then {emit(value)}" for value, found in groups.items())
    return f"(case {arms} end)"


def among(routes: list[int]) -> str:
    """The condition that a row belongs to one of these rules."""
    return f"route = {routes[0]}" if len(routes) == 1 else f"route in ({', '.join(map(str, routes))})"
