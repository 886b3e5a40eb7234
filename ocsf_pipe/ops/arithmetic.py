"""What the arithmetic operators share: which types go together, and the edge of a 64-bit integer."""

from __future__ import annotations

from ocsf_pipe.ops.registry import common_type
from ocsf_pipe.ops.types import FLOAT, INTEGER, NULL, TIMESTAMP, Type

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
NUMBERS = (INTEGER, FLOAT)
NUMBERS_AND_TIMES = (INTEGER, FLOAT, TIMESTAMP)


def within(value: int | float) -> int | float | None:  # noqa: PYI041 (the two differ here)
    """The value; null for an integer beyond 64 bits."""
    return value if isinstance(value, float) or MIN_INTEGER <= value <= MAX_INTEGER else None


def number(types: tuple[Type, ...]) -> Type | None:
    """Integer when all are integers, float when all are numbers."""
    together = common_type(types)
    return together if together in (*NUMBERS, NULL) else None
