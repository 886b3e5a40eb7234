"""The op `to_uuid`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_FORM = "^[{]?([0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})[}]?$"


@op(
    takes=(TEXT,),
    gives=TEXT,
    fails=True,
    inverse="ignoring case",
    examples=[
        Example(("{54849625-5478-4994-A5BA-3E3B0328C30D}",), "54849625-5478-4994-a5ba-3e3b0328c30d"),
        Example(("54849625-5478-4994-a5ba-3e3b0328c30d",), "54849625-5478-4994-a5ba-3e3b0328c30d"),
        Example(("54849625",), None),
    ],
)
def to_uuid(value: str) -> str | None:
    """Read a UUID or GUID in lower case and without braces; null when the text is none."""
    found = re.fullmatch(_FORM[1:-1], value)
    return found[1].lower() if found else None


@to_uuid.sql
def _sql(value: str) -> str:
    return f"lower(nullif(regexp_extract({value}, '{_FORM}', 1), ''))"
