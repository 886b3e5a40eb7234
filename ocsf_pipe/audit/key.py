"""The key of the hashes: from the environment, or a file that only its owner reads, made at first use."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "OCSF_PIPE_AUDIT_KEY"
_BYTES = 32


def load_key(folder: Path) -> bytes:
    """Return the key; several processes that ask at once get the same one. Raises OSError."""
    if told := os.environ.get(VARIABLE, "").strip():
        return told.encode()
    path = folder / "key"
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    key = path.read_bytes()
    if len(key) < _BYTES:
        raise OSError(f"`{path}` holds no key of {_BYTES} bytes")
    return key


def _make(path: Path) -> None:
    fresh = path.with_name(f"key.{os.getpid()}.{os.urandom(4).hex()}")
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, os.urandom(_BYTES))
        os.fsync(file)
        # A link is refused where there is one already: the first process wins, whole.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        os.close(file)
        fresh.unlink()
