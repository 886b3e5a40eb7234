"""The op `hmac_sha256`."""

from __future__ import annotations

import hashlib
import hmac

from ocsf_pipe.ops.registry import Example, Value, op
from ocsf_pipe.ops.sql_text import constant_text
from ocsf_pipe.ops.types import TEXT

_BLOCK = 64


def _complaint(_value: Value, key: str | None) -> str | None:
    return "the key is empty, so the result is no secret" if key == "" else None


@op(
    takes=(TEXT, TEXT),
    gives=TEXT,
    constant=(1,),
    complaint=_complaint,
    examples=[
        Example(
            ("what do ya want for nothing?", "Jefe"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "RFC 4231, case 2",
        ),
        Example(("", "k" * 100), hmac.new(b"k" * 100, b"", "sha256").hexdigest(), "a key longer than a block"),
        Example((None, "Jefe"), None),
    ],
)
def hmac_sha256(value: str, key: str) -> str:
    """The HMAC-SHA-256 of a text under a key, in hexadecimal: a pseudonym not to be guessed without the key."""
    return hmac.new(key.encode(), value.encode(), "sha256").hexdigest()


@hmac_sha256.sql
def _sql(value: str, key: str) -> str:
    secret = constant_text(key).encode()
    block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in block).hex() for pad in (0x36, 0x5C))
    return f"sha256(unhex('{outer}') || unhex(sha256(unhex('{inner}') || encode({value}))))"
