"""The op `url_path`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_FORM = "^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?(/[^?#]*)"


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[
        Example(("https://example.com/a/b?c=1#d",), "/a/b"),
        Example(("/login?next=/",), "/login", "a request target"),
        Example(("https://example.com",), None),
    ],
)
def url_path(value: str) -> str | None:
    """The path of a URL or of a request target, from its first slash; null when there is none."""
    found = re.match(_FORM, value)
    return found[1] if found else None


@url_path.sql
def _sql(value: str) -> str:
    return f"nullif(regexp_extract({value}, '{_FORM}', 1), '')"
