"""The op `url_scheme`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_FORM = "^([A-Za-z][A-Za-z0-9+.-]*)://"


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[
        Example(("https://example.com/a",), "https"),
        Example(("HTTP://example.com",), "http"),
        Example(("example.com/a",), None),
    ],
)
def url_scheme(value: str) -> str | None:
    """The scheme of a URL in lower case; null when there is none."""
    found = re.match(_FORM, value)
    return found[1].lower() if found else None


@url_scheme.sql
def _sql(value: str) -> str:
    return f"lower(nullif(regexp_extract({value}, '{_FORM}', 1), ''))"
