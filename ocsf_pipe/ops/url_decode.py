"""The op `url_decode`."""

from __future__ import annotations

import urllib.parse

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT


@op(
    takes=(TEXT,),
    gives=TEXT,
    fails=True,
    examples=[
        Example(("a%20b%C3%A9",), "a bé"),
        Example(("100%+",), "100%+", "what is no escape stays"),
        Example(("%ff",), None, "not UTF-8"),
    ],
)
def url_decode(value: str) -> str | None:
    """The text with every `%41` decoded; `+` stays. Null when the result is not UTF-8."""
    try:
        return urllib.parse.unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        return None


@url_decode.sql
def _sql(value: str) -> str:
    return f"try(url_decode({value}))"
