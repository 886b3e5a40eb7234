"""A statement put to the lake, and what is wrong with it in the user's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ocsf_pipe.errors import LakeError

if TYPE_CHECKING:
    import pyarrow as pa

    from ocsf_pipe.lake import Lake

_NEAR = re.compile(r"Candidate (?:bindings|Entries|tables): (.+)|Did you mean (.+?)\??$", re.MULTILINE)
_LINE = re.compile(r"^LINE \d+: .*\n +\^", re.MULTILINE)


def ask(lake: Lake, sql: str) -> pa.Table:
    """Return what one reading statement gives; LakeError with the nearest names, or the place of the mistake."""
    try:
        return lake.sql(sql)
    except LakeError as error:
        if error.hint or error.__cause__ is None:
            raise
        raise reworded(str(error.__cause__)) from error


def reworded(text: str) -> LakeError:
    """Return DuckDB's message as its fact and the hint that it holds."""
    fact = re.sub(r"^\w+ Error: ", "", text).split("\n", maxsplit=1)[0].rstrip("!")
    fact = re.sub(r'"([^"]+)"', r"`\1`", fact)
    line = _LINE.search(text)
    if line:
        fact += "\n" + line[0]
    near = _NEAR.search(text)
    names = (near[1] or near[2]).replace('"', "`") if near else None
    return LakeError(fact[:1].lower() + fact[1:], f"did you mean {names}?" if names else None)
