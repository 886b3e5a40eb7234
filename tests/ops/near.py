"""Calls of an op that are nearly its examples: the kind of value on which two implementations differ."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from ocsf_pipe.ops import Example, Op, Type

_INSERTS = [
    *"0159aAzZ.:/\\-_%+@=&,;'\"[]{}()#?* \t\n\r\v\f\0",
    "é", "ß", "İ", "ſ", "K", "٣", "²", "\u00a0", "\u2028", "\U0001f600", "e\u0301",
    "0x", "::", "//", "%2", "1e5", "null", "\x7f", "\x1f",
]  # fmt: skip
_INTEGERS = [0, 1, -1, 2, 10, 65536, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]
_JSON = ['{"a":1,"b":[true,null]}', "[]", '"x\\u0001"', "1.5", "12345678901234567890123"]
_FLOATS = [0.0, -0.0, 0.5, -2.5, 1e16, 1e-7, 1e308, 0.49999999999999994, 9.3e18, math.inf, -math.inf, math.nan]
_ARROW = {
    "integer": pa.int64(),
    "timestamp": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
}


def arrow_type(kind: Type) -> pa.DataType:
    """The Arrow type in which a record's values of one type reach DuckDB."""
    if kind.kind == "list":
        return pa.list_(arrow_type(kind.item or Type("text")))
    if kind.kind == "object":
        return pa.struct([(name, arrow_type(of)) for name, of in kind.fields])
    return _ARROW.get(kind.kind, pa.large_string())


def argument_types(op: Op, example: Example) -> tuple[Type, ...]:
    """The types of an example's arguments: as it says, else the first that the op takes."""
    return example.types or tuple(op.taken(i)[0] for i in range(len(example.args)))


def same(found: Any, wanted: Any, kind: Type) -> bool:
    """Whether two results are one value of one type; NaN is itself, and 1 is not 1.0 or true."""
    if isinstance(wanted, float) and isinstance(found, float) and math.isnan(wanted):
        return math.isnan(found)
    if kind.kind in ("list", "object"):
        return repr(found) == repr(wanted)
    return type(found) is type(wanted) and bool(found == wanted)


@st.composite
def near_calls(draw: st.DrawFn, op: Op) -> tuple[Example, list[tuple[Any, ...]]]:
    """An example and twelve calls that differ from it a little; constants stay as they are."""
    example = draw(st.sampled_from(op.examples))
    types = argument_types(op, example)
    call = st.tuples(
        *(st.just(value) if i in op.constant else near(value, types[i]) for i, value in enumerate(example.args))
    )
    return example, draw(st.lists(call, min_size=12, max_size=12))


def near(value: Any, kind: Type) -> st.SearchStrategy[Any]:
    """Values of one type that are nearly `value`; null among them."""
    return st.none() | _near(value, kind) | _near(value, kind)


def _near(value: Any, kind: Type) -> st.SearchStrategy[Any]:
    if kind.kind == "list":
        items = value or [None]
        return st.lists(st.sampled_from(items).flatmap(lambda item: near(item, kind.item or Type("text"))), max_size=4)
    if kind.kind == "object":
        return st.fixed_dictionaries({name: near((value or {}).get(name), of) for name, of in kind.fields})
    if kind.kind == "boolean":
        return st.booleans()
    if kind.kind in ("integer", "timestamp"):
        base = value or 0
        small = st.integers(-3, 3).map(lambda by: max(-(2**63), min(2**63 - 1, base + by)))
        return small | st.sampled_from(_INTEGERS) | st.integers(-(2**63), 2**63 - 1)
    if kind.kind == "float":
        return st.just(value or 0.0) | st.sampled_from(_FLOATS) | st.floats()
    if kind.kind == "json":
        return st.just(value) | st.sampled_from(_JSON)
    return _near_text(value or "")


@st.composite
def _near_text(draw: st.DrawFn, text: str) -> str:
    """The text after up to three small changes."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        insert = draw(st.sampled_from(_INSERTS))
        text = draw(
            st.sampled_from(
                [
                    text[:at] + insert + text[at:],
                    text[:at] + text[at + 1 :],
                    text[:at] + insert + text[at + 1 :],
                    text.upper() if len(text) < 200 else text,
                    text.swapcase(),
                    text[:at] + text[at : at + 1] * 2 + text[at + 1 :],
                    text + "\n",
                    text * 40 if len(text) < 40 else "",
                ]
            )
        )
    return text
