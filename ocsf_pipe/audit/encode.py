"""A record as one line of JSON."""

from __future__ import annotations

import json
import time
from typing import Any

from ocsf_pipe.audit.content import Measurer
from ocsf_pipe.audit.scope import new_id

FORM = 1
"""The version of a record's shape; a reader of another version has to look before it reads."""


def line(at: int, fields: dict[str, Any], measurer: Measurer) -> bytes:
    """Return a record with its end of line; `at` is in nanoseconds since 1970. Raises ValueError and TypeError."""
    whole = {"ocsf_pipe_audit": FORM, "id": new_id(), "time": _iso(at), **measurer.record(fields)}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _iso(at: int) -> str:
    seconds, rest = divmod(at, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest // 1_000_000:03d}Z"
