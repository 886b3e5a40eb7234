"""Frozen values that go from one process to another by the thousand, and to disk."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any


class Carried:
    """Pickled as a call of its class with its fields: what `dataclass` writes for slots takes three times as long."""

    __slots__: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        """The class and the values of the fields, in the order of both."""
        kind = type(self)
        if kind not in _VALUES:
            _VALUES[kind] = _reader(kind.__slots__)
        return kind, _VALUES[kind](self)


_VALUES: dict[type, Callable[[Any], tuple[Any, ...]]] = {}


def _reader(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple([getattr(value, name) for name in names])
