"""JSON in the one spelling of RFC 8785 (JCS), so that equal values have equal hashes whoever wrote them."""

from __future__ import annotations

import hashlib
import json
import math
from decimal import Decimal
from typing import Any

_EXACT = 1 << 53


def canonical(value: Any) -> str:
    """Return a JSON value as its canonical text; raises ValueError for what JSON cannot say."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        value.encode()  # half of a pair of surrogates is no text: UnicodeEncodeError is a ValueError
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, dict):
        # By UTF-16 code units, as the RFC has it: not the order of code points beyond the first plane.
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    raise ValueError(f"`{type(value).__name__}` is no JSON")


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of a value's canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _number(value: float) -> str:
    """A number as ECMAScript writes it: the shortest digits that read back as the same double."""
    if isinstance(value, int) and abs(value) <= _EXACT:
        return str(value)
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"`{value}` is no JSON")
    if value == 0:
        return "0"
    _, digits, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + int(exponent)
    return ("-" if value < 0 else "") + _placed(text, point)


def _placed(text: str, point: int) -> str:
    """Digits with the decimal point so many digits from their left."""
    if len(text) <= point <= 21:
        return text + "0" * (point - len(text))
    if 0 < point <= 21:
        return f"{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{text}"
    rest = f".{text[1:]}" if len(text) > 1 else ""
    return f"{text[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"
