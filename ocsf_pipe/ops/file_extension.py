"""The op `file_extension`."""

from __future__ import annotations

import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import TEXT

_FORM = r"[^/\\]\.([^./\\]+)$"


@op(
    takes=(TEXT,),
    gives=TEXT,
    examples=[
        Example(("C:\\tmp\\Report.final.DOCX",), "DOCX"),
        Example(("archive.tar.gz",), "gz"),
        Example(("/home/ann/.bashrc",), None, "a hidden file"),
    ],
)
def file_extension(value: str) -> str | None:
    """What follows the last dot of a path's last part; null when there is no dot in it but a leading one."""
    found = re.search(_FORM.replace("$", r"\Z"), value)
    return found[1] if found else None


@file_extension.sql
def _sql(value: str) -> str:
    return f"nullif(regexp_extract({value}, '{_FORM}', 1), '')"
