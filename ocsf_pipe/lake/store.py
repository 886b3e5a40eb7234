"""The few file operations that the lake needs, on a local folder or on an object store."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Remote


class Store(Protocol):
    """Files by `/`-separated path relative to the root of the lake."""

    def put_new(self, path: str, data: bytes) -> bool:
        """Write a file that is not there yet, whole and durable; False when there is one, which stays as it is."""
        ...

    def get(self, path: str) -> bytes | None:
        """Return a file's bytes; None when there is no such file."""
        ...

    def names(self, folder: str) -> list[str]:
        """Return the names of files and folders directly in a folder, sorted; none when there is no such folder."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file; a file that is not there is no error."""
        ...

    def writer(self, path: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """Open a new file; it is durable when the context ends, and no file at all when an exception ends it."""
        ...

    def reader(self, path: str) -> Any:
        """Return the file as something that pyarrow reads with random access."""
        ...

    def settle(self, path: str) -> None:
        """Make a file that another library wrote durable."""
        ...


@dataclass(frozen=True, slots=True)
class LocalStore:
    """A folder of a local file system that knows hard links and fsync."""

    root: Path

    def put_new(self, path: str, data: bytes) -> bool:
        """Write under another name first, then link: a name never shows half a file, and the second link loses."""
        final = self.root / path
        _make_folder(final.parent)
        draft = final.with_name(f".{uuid.uuid4().hex}.draft")
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, final)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(final.parent)
        return True

    def get(self, path: str) -> bytes | None:
        """Return a file's bytes; None when there is no such file."""
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, without the drafts that a killed writer left."""
        try:
            found = os.listdir(self.root / folder)  # noqa: PTH208 - names are wanted, not paths
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name for name in found if not name.startswith("."))

    def delete(self, path: str) -> None:
        """Remove a file; a file that is not there is no error."""
        (self.root / path).unlink(missing_ok=True)

    @contextmanager
    def writer(self, path: str) -> Iterator[BinaryIO]:
        """Open a new file for writing; it and its name are on disk when the context ends."""
        final = self.root / path
        _make_folder(final.parent)
        try:
            with final.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            final.unlink(missing_ok=True)
            raise
        _sync_folder(final.parent)

    def reader(self, path: str) -> Any:
        """Return the path itself: pyarrow opens local files best."""
        return str(self.root / path)

    def settle(self, path: str) -> None:
        """Flush a file and its folder to disk."""
        with contextlib.suppress(FileNotFoundError):
            with (self.root / path).open("rb") as file:
                os.fsync(file.fileno())
            _sync_folder((self.root / path).parent)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each on disk for good: a file in a folder that is gone is gone too."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A bucket or a prefix of one; every put is durable when it returns."""

    remote: Remote

    def put_new(self, path: str, data: bytes) -> bool:
        """Put with the condition that nothing is there; whoever gets an OSError must read back: it may have arrived."""
        from obstore.exceptions import AlreadyExistsError

        with _as_os_error():
            try:
                self.remote.put(path, data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def get(self, path: str) -> bytes | None:
        """Return an object's bytes; None when there is no such object."""
        with _as_os_error():
            try:
                return bytes(self.remote.get(path).bytes())
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> list[str]:
        """Return the names directly under a prefix."""
        with _as_os_error():
            found = self.remote.list_with_delimiter(folder or None)
        paths = [str(each["path"]) for each in found["objects"]] + [str(each) for each in found["common_prefixes"]]
        return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in paths)

    def delete(self, path: str) -> None:
        """Remove an object; an object that is not there is no error."""
        with _as_os_error(), contextlib.suppress(FileNotFoundError):
            self.remote.delete(path)

    @contextmanager
    def writer(self, path: str) -> Iterator[BinaryIO]:
        """Gather the file in memory and put it when the context ends."""
        import io

        gathered = io.BytesIO()
        yield gathered
        with _as_os_error():
            self.remote.put(path, gathered.getvalue())

    def reader(self, path: str) -> Any:
        """Return the object's bytes as a pyarrow file."""
        import pyarrow as pa

        with _as_os_error():
            return pa.BufferReader(bytes(self.remote.get(path).bytes()))

    def settle(self, path: str) -> None:
        """Do nothing: an object that can be listed is durable."""


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Let what an object store says of itself be the error that callers know from disks."""
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as failed:
        raise OSError(str(failed)) from failed


def open_store(where: str) -> Store:
    """Return the store of a local folder or of a URL such as `s3://bucket/prefix`."""
    if "://" not in where:
        return LocalStore(Path(where).absolute())
    from obstore.store import from_url

    return ObjectStore(from_url(where))
