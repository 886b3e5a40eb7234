"""Bytes made unreadable with the lake's key: AES-256-GCM of the package `cryptography`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ocsf_pipe.content.keys import Keyring, key_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = b"\x00OPC1"
"""How sealed bytes begin; no text does."""
_ID, _NONCE, _TAG = 4, 12, 16


@dataclass(slots=True)
class Cipher:
    """Seals with the newest key, opens with any; `about` is bound to the bytes and must be the same for both."""

    keyring: Keyring
    _ciphers: dict[bytes, AESGCM] = field(init=False)
    _newest: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Derive the keys once."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        keys = self.keyring.derived("cipher")
        self._ciphers = {key_id(key): AESGCM(key) for key in reversed(keys)}
        self._newest = key_id(keys[0])

    def seal(self, plain: bytes, about: bytes = b"") -> bytes:
        """Return the sealed form of some bytes."""
        nonce = secrets.token_bytes(_NONCE)
        return MARK + self._newest + nonce + self._ciphers[self._newest].encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes = b"") -> bytes:
        """Return the bytes again; raises ValueError where they were not sealed so, or their key is not here."""
        from cryptography.exceptions import InvalidTag

        at = len(MARK) + _ID
        cipher = self._ciphers.get(sealed[len(MARK) : at])
        if not is_sealed(sealed) or cipher is None:
            raise ValueError("it was sealed with a key that is not here")
        try:
            return cipher.decrypt(sealed[at : at + _NONCE], sealed[at + _NONCE :], about)
        except InvalidTag as error:
            raise ValueError("it is not what was sealed") from error


def is_sealed(raw: bytes) -> bool:
    """Whether bytes are the sealed form of others."""
    return raw.startswith(MARK)


def plain_size(sealed: bytes) -> int:
    """How many bytes were sealed."""
    return len(sealed) - len(MARK) - _ID - _NONCE - _TAG
