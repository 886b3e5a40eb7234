"""The op `to_mac`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_PAIR = "([0-9A-Fa-f]{2})"
_MAC = rf"{_PAIR}[-:]?{_PAIR}[-:.]?{_PAIR}[-:]?{_PAIR}[-:.]?{_PAIR}[-:]?{_PAIR}"


@op(
    takes=(TEXT,),
    gives=TEXT,
    fails=True,
    inverse="ignoring case",
    examples=[
        Example(("00-1A-2B-3C-4D-5E",), "00:1a:2b:3c:4d:5e"),
        Example(("001a.2b3c.4d5e",), "00:1a:2b:3c:4d:5e"),
        Example(("001A2B3C4D5E",), "00:1a:2b:3c:4d:5e"),
        Example(("00:1a",), None),
    ],
)
def to_mac(value: str) -> str | None:
    """Read a MAC address in any usual spelling as `00:1a:2b:3c:4d:5e`; null when the text is none."""
    found = re.fullmatch(_MAC, value)
    return ":".join(found.groups()).lower() if found else None


@to_mac.sql
def _sql(value: str) -> str:
    written = f"lower(regexp_replace({value}, '^{_MAC}$', '\\1:\\2:\\3:\\4:\\5:\\6'))"
    return f"case when regexp_full_match({value}, '{_MAC}') then {written} end"
