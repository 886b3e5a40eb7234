"""The op `like`."""

from __future__ import annotations

import functools
import re

from ocsf_pipe.ops.registry import Example, op
from ocsf_pipe.ops.types import BOOLEAN, TEXT


@op(
    takes=(TEXT, TEXT),
    gives=BOOLEAN,
    operator=True,
    inverse="like",
    examples=[
        Example(("user.session.start", "user.%"), True),
        Example(("a\nb", "a_b"), True, "`_` is any one character"),
        Example(("User", "user"), False, "letter case counts"),
        Example(("100%", "100\\%"), False, "a backslash is itself"),
        Example((None, "%"), None),
    ],
)
def like(value: str, pattern: str) -> bool:
    """Whether the whole text fits the pattern, in which `%` is any text and `_` any one character."""
    return _compiled(pattern).fullmatch(value) is not None


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    wild = {"%": ".*", "_": "."}
    return re.compile("".join(wild.get(c) or re.escape(c) for c in re.sub("%+", "%", pattern)), re.DOTALL)


@like.sql
def _sql(value: str, pattern: str) -> str:
    return f"{value} like {pattern}"
