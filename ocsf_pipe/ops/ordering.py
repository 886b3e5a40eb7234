"""How two values of one type compare, in both engines: text by code point, NaN equal to itself and above all else."""

from __future__ import annotations

import math

from ocsf_pipe.ops.registry import Value, common_type
from ocsf_pipe.ops.types import BOOLEAN, FLOAT, INTEGER, Type

NUMBERS = (INTEGER, FLOAT)


def compare(left: Value, right: Value) -> int:
    """-1, 0 or 1; two numbers of different types are compared as floats."""
    if isinstance(left, float) or isinstance(right, float):
        left, right = _float_key(float(left)), _float_key(float(right))
    return int(left > right) - int(left < right)


def comparable(types: tuple[Type, ...]) -> Type | None:
    """Boolean where the types can be compared with one another: one scalar type, or numbers; else None."""
    together = common_type(types)
    return BOOLEAN if together and together.kind not in ("list", "object") else None


def _float_key(value: float) -> tuple[bool, float]:
    return (True, 0.0) if math.isnan(value) else (False, value)


def ordered(types: tuple[Type, ...]) -> Type | None:
    """The type that the values have together, where they can be compared; else None."""
    return common_type(types) if comparable(types) else None
