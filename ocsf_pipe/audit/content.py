"""Text that may be private, and what is told of it: how long it is, and a keyed hash that tells equal ones."""

from __future__ import annotations

import hmac
import json
import math
from typing import Any

LONGEST_TEXT = 1 << 16
"""Characters that are kept of a text under `content=True`; the rest is cut off, and said to be."""
LONGEST_LABEL = 1024
"""Characters that are kept of a name, an id or any other label."""
_DEEPEST = 8
_MOST = 200


class Content:
    """A value that may be private: a record holds its measure, and its text where that was asked for."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        """Take text, or anything that is said best in JSON."""
        self.value = value


class Measurer:
    """Turns values into what a record holds."""

    def __init__(self, key: bytes, *, keep_text: bool) -> None:
        """Hash with a key, not at all if it is empty; `keep_text` adds the texts."""
        self._key, self._keep_text = key, keep_text

    @property
    def key_id(self) -> str:
        """Tell keys apart without telling the key: hashes compare only where this is equal; empty without a key."""
        return hmac.digest(self._key, b"ocsf_pipe.audit key id", "sha256")[:4].hex() if self._key else ""

    def record(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return fields as JSON that any reader takes.

        All texts that are kept stand together under `texts`, by the path of their measure, so that whoever must cut
        them out of a record has one place to look.
        """
        texts: dict[str, str] = {}
        found: dict[str, Any] = self._plain(fields, texts, "", 0)
        return {**found, "texts": texts} if texts else found

    def _measure(self, value: Any, texts: dict[str, str], path: str) -> dict[str, Any]:
        """Return length in characters and bytes, and the HMAC-SHA-256 of the UTF-8 text."""
        try:
            text = value if isinstance(value, str) else written(value)
        except Exception:  # noqa: BLE001 - what refuses to be written is told by its kind; the record stays
            return {"unreadable": type(value).__name__}
        data = text.encode("utf-8", "surrogatepass")
        found: dict[str, Any] = {"chars": len(text), "bytes": len(data)}
        if isinstance(value, list | tuple):
            found["items"] = len(value)
        if self._key:
            found["hmac"] = hmac.digest(self._key, data, "sha256").hex()
        if self._keep_text:
            texts[path] = _clean(text[:LONGEST_TEXT])
            if len(text) > LONGEST_TEXT:
                found["truncated"] = True
        return found

    def _plain(self, value: Any, texts: dict[str, str], path: str, depth: int) -> Any:
        """Return a value as JSON; nulls and what is too deep or too much are left out."""
        if isinstance(value, Content):
            return self._measure(value.value, texts, path)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return _clean(value[:LONGEST_LABEL])
        if isinstance(value, int):
            # Most readers have 64 bits.
            return int(value) if -(1 << 63) <= value < 1 << 63 else str(value)[:LONGEST_LABEL]
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else None
        return self._composed(value, texts, path, depth) if depth < _DEEPEST else None

    def _composed(self, value: Any, texts: dict[str, str], path: str, depth: int) -> Any:
        if isinstance(value, dict):
            named = [(_label(name), one) for name, one in [*value.items()][:_MOST]]
        elif isinstance(value, list | tuple | set | frozenset):
            named = [(str(number), one) for number, one in enumerate([*value][:_MOST])]
        else:
            return _label(value)
        below = f"{path}." if path else ""
        pairs = [(name, self._plain(one, texts, below + name, depth + 1)) for name, one in named]
        kept = [(name, one) for name, one in pairs if one is not None]
        return dict(kept) if isinstance(value, dict) else [one for _, one in kept]


def written(value: Any) -> str:
    """Return a value as JSON whose spelling does not depend on the order of its keys; raises for what cannot be."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_default, skipkeys=True)


def _default(value: Any) -> Any:
    for name in ("model_dump", "to_dict", "dict"):  # the objects of model clients
        if callable(dump := getattr(value, name, None)):
            return dump()
    return str(value)


def _label(value: Any) -> str:
    try:
        return _clean(str(value)[:LONGEST_LABEL])
    except Exception:  # noqa: BLE001 - as `measure`
        return type(value).__name__


def _clean(text: str) -> str:
    """Half of a pair of surrogates is no text to a strict reader."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
