"""JSON that was cut off: sources end long payloads in the middle, and what stands before the cut can still be read."""

from __future__ import annotations

import re
from typing import Any

from ocsf_pipe.decode import json_text

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_CLOSES = {"{": "}", "[": "]"}
_MOST = 1 << 22


def read_cut_off(text: str) -> Any:
    """The object or list that begins a text, as far as it is whole; None where nothing of it is.

    The member in which the text ends is left out, unless it is an object or list: then it is read as far as it goes.
    """
    opened: list[str] = []
    whole: list[tuple[int, str]] = []
    for token in _TOKEN.finditer(text[:_MOST]):
        sign = token[0]
        if sign in _CLOSES:
            opened.append(sign)
        elif sign in ("}", "]"):
            if not opened or _CLOSES[opened.pop()] != sign:
                return None
        elif sign != ",":
            continue
        at = token.start() if sign == "," else token.end()
        whole.append((at, "".join(_CLOSES[one] for one in reversed(opened))))
    for at, closing in reversed(whole[-_TRIES:]):
        try:
            found = json_text.parse(text[:at] + closing)
        except ValueError:
            continue
        return found if isinstance(found, dict | list) else None
    return None


_TRIES = 3
"""The last place at which an object or list begins, ends or goes on may lie inside of what is broken."""
