"""The op `url_port`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import INTEGER, TEXT

_PORT = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9][0-9]|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})"
_FORM = rf"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?:\[[^\[\]/?#]*\]|[^\[\]:/?#@]+):{_PORT}(?:/|\?|#|$)"


@op(
    takes=(TEXT,),
    gives=INTEGER,
    examples=[
        Example(("https://example.com:8443/a",), 8443),
        Example(("https://example.com/a",), None, "none is written"),
        Example(("https://example.com:99999/",), None),
    ],
)
def url_port(value: str) -> int | None:
    """The port that is written in a URL; null when there is none or it is not 0-65535."""
    found = re.match(_FORM.replace("|$)", r"|\Z)"), value)
    return int(found[1]) if found else None


@url_port.sql
def _sql(value: str) -> str:
    return f"try_cast(regexp_extract({value}, '{_FORM}', 1) as bigint)"
