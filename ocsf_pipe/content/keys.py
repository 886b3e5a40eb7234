"""The keys of a lake's content, and what is derived from each.

A key file holds one key a line, 32 bytes as URL-safe base64, the newest first: that one seals and signs, the others
only open what was sealed with them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ocsf_pipe.errors import UsageError

KEY_BYTES = 32
_HINT = "a key is 32 bytes as URL-safe base64, one a line, the newest first"


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys, the newest first; never empty. Its `repr` shows none."""

    keys: tuple[bytes, ...]

    def __repr__(self) -> str:
        """Show how many keys there are, and none of them."""
        return f"Keyring({len(self.keys)} keys)"

    @staticmethod
    def fresh() -> Keyring:
        """A keyring of one new key."""
        return Keyring((secrets.token_bytes(KEY_BYTES),))

    @staticmethod
    def parse(text: str, origin: str) -> Keyring:
        """Read the text of a key file; raises UsageError, which shows nothing of the text."""
        try:
            keys = tuple(base64.b64decode(line, altchars=b"-_", validate=True) for line in text.split())
        except binascii.Error:
            keys = ()
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise UsageError(f"`{origin}` holds no key", _HINT)
        return Keyring(keys)

    def text(self) -> str:
        """The text of a key file that holds these keys."""
        return "".join(base64.urlsafe_b64encode(key).decode() + "\n" for key in self.keys)

    def derived(self, use: str) -> tuple[bytes, ...]:
        """Return a key of its own for one use, for each of the keys."""
        return tuple(hmac.digest(key, f"ocsf_pipe content {use}".encode(), "sha256") for key in self.keys)


def key_id(key: bytes) -> bytes:
    """Four bytes that name a key and say nothing of it."""
    return hashlib.sha256(b"ocsf_pipe key id" + key).digest()[:4]


def from_file(path: Path, *, make: bool = False) -> Keyring:
    """Read a key file, made on first use where `make` says so; raises UsageError where there is none or it is open.

    A file that others than its owner may read is refused: the key protects nothing then.
    """
    if make and not path.exists():
        _made(path)
    try:
        if path.stat().st_mode & 0o077:
            raise UsageError(f"`{path}` can be read by others", f"chmod 600 {path}")
        return Keyring.parse(path.read_text("ascii"), str(path))
    except OSError as error:
        raise UsageError(
            f"the key file `{path}` cannot be read: {error.strerror}", "bring it back, or name it"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"`{path}` holds no key", _HINT) from error


def _made(path: Path) -> None:
    """Put a new key there, whole and readable by its owner alone, unless another process was first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(Keyring.fresh().text())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
