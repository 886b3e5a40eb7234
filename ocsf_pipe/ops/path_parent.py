"""The op `path_parent`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_ROOT = r"^([A-Za-z]:[/\\]|[/\\])[^/\\]+[/\\]*$"
_FORM = r"(?s)^(.*[^/\\])[/\\]+[^/\\]+[/\\]*$"


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[
        Example(("C:\\Windows\\System32\\cmd.exe",), "C:\\Windows\\System32"),
        Example(("/etc/passwd",), "/etc"),
        Example(("C:\\pagefile.sys",), "C:\\", "a root keeps its slash"),
        Example(("/etc",), "/"),
        Example(("cmd.exe",), None),
    ],
)
def path_parent(value: str) -> str | None:
    """What stands before the last part of a Windows or POSIX path; null when there is nothing."""
    found = re.fullmatch(_ROOT[1:-1], value) or re.fullmatch(_FORM[5:-1], value, re.DOTALL)
    return found[1] if found else None


@path_parent.sql
def _sql(value: str) -> str:
    return "coalesce(" + ", ".join(f"nullif(regexp_extract({value}, '{form}', 1), '')" for form in (_ROOT, _FORM)) + ")"
