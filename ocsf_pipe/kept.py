"""What takes long to work out, kept on disk for the next process under a digest of all that it was worked out from.

Kept in `OCSF_PIPE_CACHE`, else `$XDG_CACHE_HOME/ocsf-pipe`, else `~/.cache/ocsf-pipe`; an empty `OCSF_PIPE_CACHE` keeps
nothing. Only a folder that is ours alone is read from: what lies there is run.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from ocsf_pipe.bundled import schemas_dir

T = TypeVar("T")
PLACE = "OCSF_PIPE_CACHE"
_PROGRAMS = ("ocsf-pipe", "pysigma", "ocsf-json-schema", "polars")
MOST = 20
"""Files of one kind: older ones give way."""


def kept(
    kind: str,
    parts: Iterable[str | bytes],
    make: Callable[[], T],
    whole: Callable[[T], bool] = lambda _: True,
    most: int = MOST,
) -> T:
    """What `make` gives, from disk where it was made of the same parts by the same program.

    What is not `whole` was made of something else besides, and is not kept; of one kind, the latest `most` are.
    """
    folder = _folder()
    if folder is None:
        return make()
    file = folder / f"{kind}-{_digest(parts)}.pickle"
    try:
        found: T = pickle.loads(file.read_bytes())  # noqa: S301 - of a folder that nobody else may write to
    except Exception:  # noqa: BLE001 - not there, cut off, or of another version: made anew
        found = make()
        if whole(found):
            _write(file, found, most)
    return found


def _digest(parts: Iterable[str | bytes]) -> str:
    found = hashlib.sha256(_program().encode())
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()[:32]


@lru_cache(maxsize=1)
def _program() -> str:
    """The versions of the program and of what it works things out with, and the state of its own files."""
    files = sorted([*Path(__file__).parent.rglob("*.py"), *schemas_dir().rglob("*.json")])
    stamps = ",".join(f"{stat.st_mtime_ns} {stat.st_size}" for stat in (file.stat() for file in files))
    return f"{' '.join(map(_version, _PROGRAMS))} {stamps}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _folder() -> Path | None:
    """The folder, made where there is none; None where nothing is to be kept, or others may write there."""
    named = os.environ.get(PLACE)
    if named == "":
        return None
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = Path(named) if named else (Path(home) if home else Path.home() / ".cache") / "ocsf-pipe"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stat = folder.stat()
    except (OSError, RuntimeError):
        return None
    return folder if stat.st_uid == os.getuid() and not stat.st_mode & 0o022 else None


def _write(file: Path, value: object, most: int) -> None:
    """Write a whole file or none; what cannot be written is worked out anew."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_bytes(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
        draft.replace(file)
        old = sorted(file.parent.glob(f"{file.name.partition('-')[0]}-*.pickle"), key=lambda one: one.stat().st_mtime)
        for one in old[:-most]:
            one.unlink(missing_ok=True)
    except (OSError, pickle.PicklingError):
        draft.unlink(missing_ok=True)
