"""The implied conversions: any value of the language → an OCSF scalar, in both forms.

They are total: what does not convert is null. Empty text is no value and converts to null without having failed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ocsf_pipe.ops import OPS
from ocsf_pipe.ops.sql_text import text_literal
from ocsf_pipe.ops.time_text import FIRST, LAST
from ocsf_pipe.ops.types import BOOLEAN, FLOAT, INTEGER, JSON, TEXT, TIMESTAMP, Type


@dataclass(frozen=True, slots=True)
class Scalar:
    """An OCSF scalar type: its name, its base type, and what its values must satisfy.

    `regex` is searched for, `max_len` counts code points, `low` and `high` are inclusive, `values` lists the only
    texts that are allowed.
    """

    name: str
    base: str
    regex: str | None = None
    max_len: int | None = None
    low: int | None = None
    high: int | None = None
    values: tuple[str, ...] = ()


_TEXTUAL = frozenset({"text", "ip", "json"})
_BY_BASE = {
    "string_t": TEXT,
    "integer_t": INTEGER,
    "long_t": INTEGER,
    "float_t": FLOAT,
    "boolean_t": BOOLEAN,
    "json_t": JSON,
}
_READERS = {"integer": "to_integer", "float": "to_float", "boolean": "to_boolean", "timestamp": "to_timestamp"}
_TIMES = frozenset({"timestamp_t", "datetime_t"})
_SPECIAL = {"ip_t": "to_ip", "mac_t": "to_mac"}


def column_type(scalar: Scalar) -> Type:
    """The type of a column that holds this scalar; timestamps are 64-bit milliseconds."""
    if scalar.name == "datetime_t":
        return TIMESTAMP
    return _BY_BASE.get(scalar.base, TEXT)


def convertible(kind: Type, scalar: Scalar) -> bool:
    """Whether values of `kind` can become this scalar at all; decided when a mapping is compiled."""
    target = column_type(scalar).kind
    if kind.kind == "null" or target in {"text", "json"}:
        return target == "json" or kind.kind not in {"list", "object"}
    if kind.kind in _TEXTUAL:
        return True
    allowed = {
        "integer": {"integer", "float", "timestamp"},
        "float": {"integer", "float"},
        "boolean": {"boolean"},
        "timestamp": {"timestamp", "integer"},
    }
    return kind.kind in allowed[target]


def _reader(kind: Type, scalar: Scalar) -> tuple[str, Type] | None:
    """The op that turns `kind` into the scalar's column type, and the type it is asked with; None for none."""
    target = column_type(scalar).kind
    if scalar.name in _SPECIAL and kind.kind in _TEXTUAL:
        return _SPECIAL[scalar.name], TEXT
    if scalar.name == "timestamp_t" and kind.kind in _TEXTUAL:
        return "to_timestamp", TEXT
    if target == "json":
        return None if kind.kind == "json" else ("to_json", kind)
    if kind.kind in _TEXTUAL:
        return (_READERS[target], TEXT) if target in _READERS else None
    if target == "text":
        return "to_text", kind
    return None


def convert(value: Any, kind: Type, scalar: Scalar) -> Any:
    """The value as this scalar; None where it does not convert."""
    if value is None or (kind.kind in _TEXTUAL and value == ""):
        return None
    reader = _reader(kind, scalar)
    if reader is not None:
        value = OPS[reader[0]].call([value], [reader[1]])
    if value is None or (isinstance(value, str) and not _fits_text(value, scalar)):
        return None
    if isinstance(value, float) and column_type(scalar) == INTEGER:
        value = _whole(value)
    low, high = limits(scalar)
    if value is None or (low is not None and value < low) or (high is not None and value > high):
        return None
    return float(value) if column_type(scalar) == FLOAT else value


def _whole(value: float) -> int | None:
    """A float as the integer that it is; a fraction is none, nor is what 64 bits cannot hold."""
    return int(value) if value.is_integer() and -(2.0**63) <= value < 2.0**63 else None


def limits(scalar: Scalar) -> tuple[int | None, int | None]:
    """The least and the greatest value, inclusive; a time is one that a calendar shows, from the year 1 to 9999."""
    return (FIRST, LAST) if scalar.name in _TIMES else (scalar.low, scalar.high)


def _fits_text(value: str, scalar: Scalar) -> bool:
    if value == "" or (scalar.values and value not in scalar.values):
        return False
    if scalar.max_len is not None and scalar.name not in _SPECIAL and len(value) > scalar.max_len:
        return False
    return not _checked_regex(scalar) or _matches(scalar.regex or "", value)


def _checked_regex(scalar: Scalar) -> bool:
    """An address that an op has read needs no second look."""
    return scalar.regex is not None and scalar.name not in _SPECIAL and scalar.name != "datetime_t"


@lru_cache(maxsize=256)
def _pattern(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.ASCII)


def _matches(regex: str, value: str) -> bool:
    """Whether the pattern is found as RE2 finds it: its `$` never looks past a last line feed."""
    if regex.endswith("$") and value.endswith("\n"):
        return False
    return _pattern(regex).search(value) is not None


def convert_sql(text: str, kind: Type, scalar: Scalar) -> str:
    """The same in DuckDB: `text` is evaluated more than once, so it should be a column."""
    if kind.kind in _TEXTUAL:
        text = f"nullif({text}, '')"
    reader = _reader(kind, scalar)
    if reader is not None:
        text = OPS[reader[0]].to_sql([text], [reader[1]])
    if column_type(scalar) == FLOAT:
        text = f"cast({text} as double)"
    elif kind == FLOAT and column_type(scalar) == INTEGER:
        text = f"(case when {text} = floor({text}) then try_cast({text} as bigint) end)"
    checks = _checks_sql(text, scalar)
    return f"(case when {' and '.join(checks)} then {text} end)" if checks else text


def _checks_sql(text: str, scalar: Scalar) -> list[str]:
    checks = []
    if scalar.values:
        checks.append(f"{text} in ({', '.join(map(text_literal, scalar.values))})")
    if scalar.max_len is not None and scalar.name not in _SPECIAL:
        checks.append(f"length({text}) <= {scalar.max_len}")
    if _checked_regex(scalar):
        checks.append(f"regexp_matches({text}, {text_literal(scalar.regex or '')})")
    low, high = limits(scalar)
    if low is not None:
        checks.append(f"{text} >= {low}")
    if high is not None:
        checks.append(f"{text} <= {high}")
    return checks
