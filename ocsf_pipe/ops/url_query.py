"""The op `url_query`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_FORM = r"^[^?#]*\?([^#]+)"


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[
        Example(("https://example.com/a?b=1&c=2#d",), "b=1&c=2"),
        Example(("/a?b=1",), "b=1"),
        Example(("https://example.com/a",), None),
    ],
)
def url_query(value: str) -> str | None:
    """The query of a URL, without the question mark and still encoded; null when there is none."""
    found = re.match(_FORM, value)
    return found[1] if found else None


@url_query.sql
def _sql(value: str) -> str:
    return f"nullif(regexp_extract({value}, '{_FORM}', 1), '')"
