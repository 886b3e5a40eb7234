"""Records that are nearly valid: real ones with a few things changed, the kind of input on which two engines differ.

Arbitrary JSON tests little, for no rule takes it. A record of the source with one key gone, one text where a list
should be, or a number beyond 64 bits reaches the places where a mapping and its engines decide.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from ocsf_pipe.decode.json_text import JsonTextError, Number, Object, dumps, parse
from ocsf_pipe.source import Records

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Change: TypeAlias = Callable[[random.Random, Any, Sequence[str]], Any]

_TEXTS = [
    "", " ", "\x00", "a\x00b", "null", "NaN", "true", "false", "0", "-1", "443", "1e5", "é", "\u00a0", "\u2028", "İ",
    "\U0001f600", "e\u0301", "\u202e", "a\nb", "\t", "\\", '"', "'", "%", "{}", "[]", '{"a":1}', '["a",null]', "[1",
    "10.0.0.1", "::1", "::ffff:1.2.3.4", "999.1.1.1", "fe80::1%eth0", "1601-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "292278994-08-17T07:12:55Z", "2024-02-30T00:00:00Z", "2026-02-10T09:08:07+05:30", "-1", "a@b", "a@", "x" * 9000,
    "9223372036854775807", "9223372036854775808", "00:11:22:33:44:55", "C:\\Windows\\a.exe", "/a//b/", "0x1f", "-",
]  # fmt: skip
_NUMBERS = [
    0, 1, -1, 99, 65535, 65536, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 0.0, -0.0, 0.5, 1e16,
    1e300, 1770714487.25, 1770714487006, 253402300799999, 253402300800000, -11644473600000, 9223372036854775,
    Number("12345678901234567890123"), Number("1e400"), Number("NaN"), Number("-Infinity"), Number("1E5"),
    Number("-0"), Number("0.1e-400"),
]  # fmt: skip
_ODD: list[Any] = [
    None,
    True,
    False,
    [],
    {},
    [[]],
    [None],
    [{}],
    {"": None},
    {"a": {}},
    [[[{"a": [None]}]]],
    {"\x00": 1},
]
_DOCUMENTS = ["", " ", "null", "{}", "[]", "1", '"a"', "true", "{", "}", "[{}]", '{"a":1}{"b":2}', '{"a":"\\ud800"}',
              '{"a":"\\udc00\\ud800"}', '{"a":"\\ud83d\\ude00"}', '{"a":NaN,}', '{"a":1,"a":2}', "{'a':1}", "\x00",
              "[" * 3000, '{"a":' * 3000 + "1" + "}" * 3000]  # fmt: skip
_INSERTS = [
    '"',
    ",",
    "}",
    "]",
    "{",
    ":",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\u00e9",
    "\n",
    "\x00",
    "0",
    "-",
    ".",
    "null",
    "/**/",
]


def near_texts(records: Sequence[str], *, seed: int, count: int) -> Iterator[str]:
    """`count` JSON texts that are nearly some of `records`; equal seeds give equal texts."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    words = _words(records)
    for _ in range(count):
        yield near(rng, rng.choice(records), words)


def near_records(records: Sequence[str]) -> SearchStrategy[str]:
    """A Hypothesis strategy for one JSON text that is nearly one of `records`; it shrinks towards fewer changes."""
    from hypothesis import strategies as st

    words = _words(records)
    randoms = st.randoms(use_true_random=False)
    return st.builds(lambda base, rng: near(rng, base, words), st.sampled_from(list(records)), randoms)


def as_records(texts: Sequence[str]) -> Records:
    """Texts as the records of one stream, numbered."""
    count = len(texts)
    zeros = pa.array([0] * count, pa.int32())
    return Records(pa.array(texts, pa.large_string()), pa.array(range(count), pa.int64()), zeros, count)


def near(rng: random.Random, text: str, words: Sequence[str] = ()) -> str:
    """The record after up to four changes, most of them to its values; `words` are texts of other records.

    A record that is no JSON is only broken further.
    """
    if rng.random() < 0.02:
        return rng.choice(_DOCUMENTS)
    try:
        value = parse(text)
    except JsonTextError:
        return _broken(rng, text)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 4))):
        value = _changed(rng, value, words)
    written = dumps(value)
    return _broken(rng, written) if rng.random() < 0.05 else written


def _words(records: Sequence[str]) -> list[str]:
    """The texts of all records, each once: what one record says, another may say too."""
    found: dict[str, None] = {}
    pending = []
    for text in records:
        with suppress(JsonTextError):
            pending.append(parse(text))
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif type(value) is str and len(value) < 200:
            found[value] = None
    return list(found)


def _changed(rng: random.Random, value: Any, words: Sequence[str]) -> Any:
    """The value with one change at a place of any depth; objects and lists on the way are copied."""
    if isinstance(value, dict) and value and rng.random() < 0.75:
        key = rng.choice(list(value))
        return {**value, key: _changed(rng, value[key], words)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        return [*value[:at], _changed(rng, value[at], words), *value[at + 1 :]]
    changes = _OBJECT if isinstance(value, dict) else _LIST if isinstance(value, list) else _SCALAR
    return rng.choice(changes)(rng, value, words)


def _broken(rng: random.Random, text: str) -> str:
    """Text with one fault of writing, of the kind that a torn file or a careless program makes."""
    at = rng.randrange(len(text) + 1)
    insert = rng.choice(_INSERTS)
    return rng.choice(
        (text[:at], text[:at] + text[at + 1 :], text[:at] + insert + text[at:], text[:-1] + ",}", text + text)
    )


def _replaced(rng: random.Random, _value: Any, words: Sequence[str]) -> Any:
    """Another value, of any kind."""
    return rng.choice((rng.choice(_ODD), rng.choice(_NUMBERS), rng.choice(_TEXTS), _word(rng, None, words)))


def _word(rng: random.Random, value: Any, words: Sequence[str]) -> Any:
    """A text that the same source says somewhere else."""
    return rng.choice(words) if words else value


def _wrapped(rng: random.Random, value: Any, _words: Sequence[str]) -> Any:
    """The value one level deeper, or as the text of its JSON."""
    return rng.choice(([value], [value, value], [value, None], {"value": value}, dumps(value)))


def _edited(rng: random.Random, value: Any, _words: Sequence[str]) -> Any:
    """A text with a character more or less, in other letters, or doubled; a number moved by one or negated."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, (int, float)):
        return rng.choice((value + 1, -value, value * 1000, float(value), str(value)))
    at = rng.randrange(len(value) + 1)
    insert = rng.choice(_TEXTS)
    edits = (value[:at] + insert + value[at:], value[:at] + value[at + 1 :], value.swapcase(), value + "\n", value * 2)
    return rng.choice(edits)


def _unlisted(rng: random.Random, value: list[Any], words: Sequence[str]) -> Any:
    """A list with an element less or more, in another order, or only its first element."""
    odd = _replaced(rng, None, words)
    if not value:
        return [odd]
    at = rng.randrange(len(value))
    shuffled = rng.sample(value, len(value))
    return rng.choice((value[:at] + value[at + 1 :], [*value, odd], [odd, *value], shuffled, value * 2, value[0], []))


def _without(rng: random.Random, value: dict[str, Any], _words: Sequence[str]) -> Any:
    """An object without one of its keys."""
    gone = rng.choice(list(value)) if value else None
    return {key: inner for key, inner in value.items() if key != gone}


def _with(rng: random.Random, value: dict[str, Any], words: Sequence[str]) -> Any:
    """An object with one key more: a new one, an old one in other letters, or an old one twice."""
    odd = _replaced(rng, None, words)
    key = rng.choice(list(value)) if value else "a"
    pairs = list(value.items())
    more: list[tuple[str, Any]] = [
        (rng.choice(["", "extra", "é", 'a"b', "a.b", "\x00", "$", "*", "x" * 300]), odd), (key.swapcase(), odd),
        (key.capitalize(), odd), (key, odd), (key + " ", odd),
    ]  # fmt: skip
    at = rng.choice((0, len(pairs)))
    pairs[at:at] = [rng.choice(more)]
    whole = Object(pairs)
    return whole if len(whole) < len(pairs) else dict(pairs)


def _renamed(rng: random.Random, value: dict[str, Any], _words: Sequence[str]) -> Any:
    """An object with one key written otherwise."""
    old = rng.choice(list(value)) if value else None
    new = rng.choice((str.upper, str.lower, str.swapcase, lambda key: key + "_"))
    return {(new(key) if key == old else key): inner for key, inner in value.items()}


_SCALAR: tuple[Change, ...] = (_replaced, _word, _word, _wrapped, _edited, _edited)
_LIST: tuple[Change, ...] = (_replaced, _wrapped, _unlisted, _unlisted)
_OBJECT: tuple[Change, ...] = (_replaced, _wrapped, _without, _without, _with, _with, _renamed)
