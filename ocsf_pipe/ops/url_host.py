"""The op `url_host`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_START = "^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?"
_FORMS = (rf"{_START}\[([^\[\]/?#]*)\](?::|/|\?|#|$)", rf"{_START}([^\[\]:/?#@]+)(?::|/|\?|#|$)")


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[
        Example(("https://ann:pw@example.com:8443/a?b#c",), "example.com"),
        Example(("http://[2001:db8::1]/",), "2001:db8::1"),
        Example(("example.com/a",), None, "no scheme, no URL"),
    ],
)
def url_host(value: str) -> str | None:
    """The host of a URL, without user, port and brackets; null when there is none."""
    found = (re.match(form.replace("|$)", r"|\Z)"), value) for form in _FORMS)
    return next((match[1] for match in found if match and match[1]), None)


@url_host.sql
def _sql(value: str) -> str:
    return "coalesce(" + ", ".join(f"nullif(regexp_extract({value}, '{form}', 1), '')" for form in _FORMS) + ")"
