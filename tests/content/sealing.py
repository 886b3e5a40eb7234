"""Small records and content for the tests of sealing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from ocsf_pipe.content.keys import Keyring
from ocsf_pipe.content.seal import Sealer
from ocsf_pipe.plan.nodes import CONTENT, TIER, Content
from ocsf_pipe.source import Records

KEY = Keyring((bytes(range(32)),))
CHAT = """\
mapping: acme.chat
product: {vendor_name: Acme, name: Chat}
input: {format: json, recognise: chat is not null}
content:
  - {path: prompt, kind: prompt}
every: {time: at, severity_id: 'Informational', metadata.uid: id}
events:
  - class: base_event
    activity_id: 'Other'
"""
"""A mapping with one piece of content."""


def records(*texts: str) -> Records:
    """Records of these texts, one behind the other."""
    count = len(texts)
    return Records(
        pa.array(texts, pa.large_string()), pa.array(range(count), pa.int64()), pa.array([0] * count, pa.int32()), count
    )


def json_of(found: Records) -> str:
    """The first record as JSON text."""
    assert found.json is not None
    text: str = found.json[0].as_py()
    return text


def sealed(value: Any, *content: Content, store: bool = False) -> dict[str, Any]:
    """What one record is to an engine, without what it says of itself."""
    text = value if isinstance(value, str) else json.dumps(value)
    found = Sealer(KEY, store).seal(content, records(text)).records
    whole: dict[str, Any] = json.loads(json_of(found))
    assert {key: inner for key, inner in whole.items() if key not in (CONTENT, TIER)} == json.loads(
        found.raw[0].as_py()
    )
    return whole


def at(*keys: str, keep: Sequence[tuple[str, ...]] = (), kind: str = "prompt") -> Content:
    """Content at these keys."""
    return Content(keys, kind, tuple(keep))
