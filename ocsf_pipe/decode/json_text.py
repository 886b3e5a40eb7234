"""JSON text read and written in plain Python, character for character as DuckDB does it.

The interpreter that defines a mapping's meaning reads records with this module, the fast engine reads them with
DuckDB; an event must not depend on which of the two looked. What that asks for, beyond RFC 8259: a comma may trail in
a list or an object, `NaN` and `Infinity` are numbers in any letter case, of two equal keys the first is read (and
both are written back), a lone surrogate is a fault, a number too large for 64 bits keeps its own text, and nesting
has no limit. So the reader uses no recursion.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn, TypeAlias, cast

Json: TypeAlias = Any
"""None, bool, int, float, str, `Number`, list or dict (`Object` where a key came twice)."""

_INT_MIN, _UINT_MAX = -(2**63), 2**64 - 1
_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_SPECIAL = re.compile(r"-?(?:infinity|inf|nan)", re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEX4 = re.compile(r"[0-9a-fA-F]{4}")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_TO_ESCAPE = re.compile(r'["\\\x00-\x1f]')
_WRITTEN = {chr(i): f"\\u{i:04X}" for i in range(32)} | {c: f"\\{k}" for k, c in _ESCAPES.items() if k != "/"}
_WORDS: tuple[tuple[str, Json], ...] = (("true", True), ("false", False), ("null", None))
_END = object()


class Number(str):
    """A number that 64 bits cannot hold, or one that is none (`NaN`), as it was written."""

    __slots__ = ()


class Object(dict[str, Json]):
    """An object in which a key came more than once: a dict of the first values, and every pair in `pairs`."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Json]]) -> None:
        """Keep `pairs` in order, of equal keys the first value."""
        super().__init__()
        for key, value in pairs:
            self.setdefault(key, value)
        self.pairs = tuple(pairs)


class JsonTextError(ValueError):
    """The text is no JSON document; the message says what and at which character (from 0)."""


def parse(text: str) -> Json:
    """Read one JSON document; raises JsonTextError for anything else, the empty text included."""
    if not _SURROGATE_ESCAPE.search(text):
        try:
            return _DECODER.decode(text)
        except (ValueError, RecursionError):
            pass  # a fault, or one of the things that only the reader below accepts
    return _Reader(text).document()


def dumps(value: Json) -> str:
    """Write a value as DuckDB writes JSON: no spaces, non-ASCII text as itself, keys in the order they came."""
    out: list[str] = []
    stack: list[Iterator[tuple[str, Json]]] = [iter((("", value),))]
    while stack:
        before, item = next(stack[-1], (_END, None))
        if before is _END:
            stack.pop()
            continue
        out.append(cast("str", before))
        if isinstance(item, dict):
            stack.append(_object_parts(item))
        elif isinstance(item, list):
            stack.append(_list_parts(item))
        else:
            out.append(_scalar(item))
    return "".join(out)


def scalar_text(value: Json) -> str | None:
    """The value as DuckDB's `from_json(…, 'VARCHAR')` gives it: text bare, null as None, lists and objects as JSON."""
    if value is None or type(value) is str:
        return value
    return repr(value) if isinstance(value, float) else dumps(value)


def number_text(value: float) -> str:
    """A float as JSON text: `100000.0`, `0.00001`, `1e-7`, `1e21`; `Infinity` and `NaN` are spelled out."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    mantissa, _, exponent = f"{value!r}e".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    power = int(exponent.rstrip("e") or 0) + len(whole)
    digits = (whole + fraction).lstrip("0")
    power -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    return sign + (_positional(digits, power) if digits else "0.0")


def quote(text: str) -> str:
    """Text as a JSON string; only what JSON forbids is escaped, with upper-case hexadecimal digits."""
    return f'"{_TO_ESCAPE.sub(lambda found: _WRITTEN[found[0]], text)}"'


def _positional(digits: str, power: int) -> str:
    """The number 0.`digits` × 10^`power`, with an exponent only below 10^-6 and from 10^21 on."""
    if power <= -6 or power > 21:
        rest = f".{digits[1:]}" if digits[1:] else ""
        return f"{digits[0]}{rest}e{power - 1}"
    if power <= 0:
        return f"0.{'0' * -power}{digits}"
    return f"{digits[:power].ljust(power, '0')}.{digits[power:] or '0'}"


def _scalar(value: Json) -> str:
    """One value that holds no others, as JSON text."""
    if isinstance(value, str):
        return str(value) if isinstance(value, Number) else quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, float) else str(value)


def _list_parts(items: list[Json]) -> Iterator[tuple[str, Json]]:
    """What is written before each element, and the element; then what closes the list."""
    before = "["
    for item in items:
        yield before, item
        before = ","
    yield ("[]" if before == "[" else "]"), _NOTHING


def _object_parts(value: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    """What is written before each value, its key included, and the value; then what closes the object."""
    before = "{"
    for key, item in value.pairs if isinstance(value, Object) else value.items():
        yield f"{before}{quote(key)}:", item
        before = ","
    yield ("{}" if before == "{" else "}"), _NOTHING


_NOTHING = Number("")  # what follows a closing bracket


def _integer(text: str) -> int | Number:
    if len(text) > len("-9223372036854775808"):
        return Number(text)
    value = int(text)
    return value if _INT_MIN <= value <= _UINT_MAX else Number(text)


def _float(text: str) -> float | Number:
    value = float(text)
    return value if math.isfinite(value) else Number(text)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else Object(pairs)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=Number)


class _Reader:
    """One reading of one text: `at` is the next character, `open` the lists and objects not closed yet."""

    __slots__ = ("at", "open", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.open: list[tuple[str, list[Json], list[str]]] = []

    def document(self) -> Json:
        """The one value that the text is."""
        self.skip()
        while True:
            value = self.value()
            while value is not _END and self.open:
                value = self.add(value)
            if value is _END:
                continue
            self.skip()
            if self.at < len(self.text):
                self.fail("more text after the document")
            return value

    def value(self) -> Json:
        """The next scalar or empty container; _END after opening one that has something in it."""
        start = self.peek()
        if start == '"':
            return self.string()
        if start not in ("[", "{"):
            return self.word()
        self.at += 1
        self.skip()
        if self.peek() == ("]" if start == "[" else "}"):
            self.at += 1
            return [] if start == "[" else {}
        self.open.append((start, [], [self.key()] if start == "{" else []))
        return _END

    def add(self, value: Json) -> Json:
        """Put a value into the innermost container; _END when more follows, else the container, closed."""
        kind, items, keys = self.open[-1]
        items.append(value)
        closing = "]" if kind == "[" else "}"
        self.skip()
        if self.peek() == ",":
            self.at += 1
            self.skip()
            if self.peek() != closing:
                if kind == "{":
                    keys.append(self.key())
                return _END
        if self.peek() != closing:
            self.fail(f"expected `,` or `{closing}`")
        self.at += 1
        self.open.pop()
        return items if kind == "[" else _object(list(zip(keys, items, strict=True)))

    def key(self) -> str:
        """A key and the colon after it."""
        if self.peek() != '"':
            self.fail("expected a quoted key")
        key = self.string()
        self.skip()
        if self.peek() != ":":
            self.fail("expected `:`")
        self.at += 1
        self.skip()
        return key

    def word(self) -> Json:
        """A number, true, false or null."""
        for word, value in _WORDS:
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        special = _SPECIAL.match(self.text, self.at)
        found = special or _NUMBER.match(self.text, self.at)
        if not found:
            self.fail("expected a value")
        self.at = found.end()
        if special:
            return Number(special[0])
        return _float(found[0]) if found[1] or found[2] else _integer(found[0])

    def string(self) -> str:
        """A quoted text, its escapes resolved."""
        self.at += 1
        parts: list[str] = []
        while True:
            found = cast("re.Match[str]", _PLAIN.match(self.text, self.at))
            parts.append(found[0])
            self.at = found.end()
            if self.peek() == '"':
                self.at += 1
                return "".join(parts)
            if self.peek() != "\\":
                self.fail("text has no end, or a control character in it")
            self.at += 1
            parts.append(self.escape())

    def escape(self) -> str:
        """What stands after a backslash; a surrogate must come with its other half."""
        letter = self.peek()
        self.at += 1
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        if letter != "u":
            self.fail("unknown escape")
        high = self.hex4()
        if not 0xD800 <= high <= 0xDFFF:
            return chr(high)
        if high >= 0xDC00 or not self.text.startswith("\\u", self.at):
            self.fail("half of a surrogate pair")
        self.at += 2
        low = self.hex4()
        if not 0xDC00 <= low <= 0xDFFF:
            self.fail("half of a surrogate pair")
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    def hex4(self) -> int:
        """Four hexadecimal digits."""
        found = _HEX4.match(self.text, self.at)
        if not found:
            self.fail("expected four hexadecimal digits")
        self.at += 4
        return int(found[0], 16)

    def skip(self) -> None:
        """Go past white space."""
        self.at = cast("re.Match[str]", _SPACE.match(self.text, self.at)).end()

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def fail(self, fact: str) -> NoReturn:
        """Give up, saying what is wrong and where."""
        raise JsonTextError(f"{fact} at character {self.at}")
