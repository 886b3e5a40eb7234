"""The op `to_hex`."""

from __future__ import annotations

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT

_MOST = 64


@op(
    takes=(INTEGER, INTEGER),
    gives=TEXT,
    optional=1,
    examples=[
        Example((999, 8), "000003e7", "in at least so many digits"),
        Example((999,), "3e7"),
        Example((0,), "0"),
        Example((-1,), None, "negative"),
        Example((10, 100), None, "more than 64 digits are asked for"),
    ],
)
def to_hex(value: int, digits: int = 1) -> str | None:
    """Write an integer in hexadecimal digits, zeros in front up to so many; null when it is negative."""
    return f"{value:0{max(digits, 1)}x}" if value >= 0 and digits <= _MOST else None


@to_hex.sql
def _sql(value: str, digits: str = "1") -> str:
    text = f"lower(to_hex({value}))"
    padded = f"repeat('0', greatest(greatest(least({digits}, {_MOST}), 1) - length({text}), 0)) || {text}"
    return f"case when {value} >= 0 and {digits} <= {_MOST} then {padded} end"
