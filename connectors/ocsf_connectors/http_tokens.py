"""Who may send: tokens as bearers, as Splunk's clients write them, and as a password."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Denied(Enum):
    """Why a request is not let in."""

    MISSING = "a token is required"
    MALFORMED = "the Authorization header is not understood"
    WRONG = "the token is not known"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that are let in, as digests; none at all let everybody in."""

    digests: tuple[bytes, ...]

    def who(self, authorization: str) -> str | Denied:
        """Return a name for the sender that does not tell the token; takes equally long for every wrong token."""
        if not self.digests:
            return ""
        if not authorization:
            return Denied.MISSING
        token = _token(authorization)
        if token is None:
            return Denied.MALFORMED
        came = _digest(token)
        matches = [hmac.compare_digest(came, known) for known in self.digests]
        return came.hex() if any(matches) else Denied.WRONG


def tokens(known: Iterable[str]) -> Tokens:
    """Keep tokens as digests."""
    return Tokens(tuple(_digest(token) for token in known))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _token(authorization: str) -> str | None:
    scheme, _, rest = authorization.strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() in ("bearer", "splunk") and rest:
        return rest
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(rest, validate=True).decode().partition(":")[2] or None
    except (binascii.Error, ValueError):
        return None
