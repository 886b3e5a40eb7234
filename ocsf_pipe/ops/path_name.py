"""The op `path_name`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_FORM = r"([^/\\]+)[/\\]*$"


@op(
    takes=(TEXT,),
    gives=TEXT,
    inverse="ends with",
    examples=[
        Example(("C:\\Windows\\System32\\cmd.exe",), "cmd.exe"),
        Example(("/usr/bin/python3",), "python3"),
        Example(("/var/log/",), "log"),
        Example(("/",), None),
    ],
)
def path_name(value: str) -> str | None:
    """The last part of a Windows or POSIX path; null when there is none."""
    return re.split(r"[/\\]", value.rstrip("/\\"))[-1] or None


@path_name.sql
def _sql(value: str) -> str:
    return f"nullif(regexp_extract({value}, '{_FORM}', 1), '')"
