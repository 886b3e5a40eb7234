"""Keywords: texts that may stand anywhere in the record, looked for in the raw one."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from ocsf_pipe.detect.matching import match_sql
from ocsf_pipe.detect.tree import Number, Pattern, Regex, Test, Wild

_MANY = Wild()
_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def keyword_sql(raw: str, test: Test) -> str:
    """The SQL of whether a keyword is found; a literal is also looked for as JSON and XML escape it."""
    if isinstance(test, Regex):
        return match_sql(raw, test)
    if isinstance(test, Number):
        test = Pattern((str(test.number),))
    if not isinstance(test, Pattern):
        raise TypeError(f"no keyword is a {type(test).__name__}")
    found = [match_sql(raw, Pattern(_anywhere(parts), test.cased)) for parts in _spellings(test.parts)]
    return found[0] if len(found) == 1 else f"({' or '.join(found)})"


def _anywhere(parts: tuple[str | Wild, ...]) -> tuple[str | Wild, ...]:
    inner = parts[1:] if parts and parts[0] == _MANY else parts
    inner = inner[:-1] if inner and inner[-1] == _MANY else inner
    return (_MANY, *inner, _MANY) if inner else (_MANY,)


def _spellings(parts: tuple[str | Wild, ...]) -> Iterator[tuple[str | Wild, ...]]:
    """The keyword as it is, as JSON writes it, and as XML does; each once."""
    as_json = tuple(_json(part) if isinstance(part, str) else part for part in parts)
    as_xml = tuple(part.translate(_XML) if isinstance(part, str) else part for part in parts)
    yield from dict.fromkeys((parts, as_json, as_xml))


def _json(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]
