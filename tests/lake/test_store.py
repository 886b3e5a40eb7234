"""The files of a lake, on disk or in a bucket."""

from __future__ import annotations

from pathlib import Path

import pytest
from obstore.exceptions import GenericError
from obstore.store import MemoryStore

from ocsf_pipe.lake import store as store_module
from ocsf_pipe.lake.store import LocalStore, ObjectStore


class Gone:
    """A bucket that does not answer."""

    def __getattr__(self, name: str) -> object:
        """Any request."""

        def failing(*_: object, **__: object) -> object:
            raise GenericError(f"no answer to {name}")

        return failing


def written(store: ObjectStore) -> None:
    """Write a file."""
    with store.writer("a/b") as file:
        file.write(b"x")


def test_a_bucket_that_fails_is_an_os_error() -> None:
    """Whoever waits out a disk waits out a bucket."""
    gone = ObjectStore(Gone())  # type: ignore[arg-type]
    for ask in (gone.get, gone.names, gone.delete, gone.reader, lambda path: gone.put_new(path, b"")):
        with pytest.raises(OSError, match="no answer"):
            ask("a")
    with pytest.raises(OSError, match="no answer"):
        written(gone)


def test_a_bucket_holds_what_is_put() -> None:
    """And the second of two that put is told so."""
    store = ObjectStore(MemoryStore())
    assert store.put_new("a/c", b"1")
    assert not store.put_new("a/c", b"2")
    assert store.get("a/c") == b"1"
    assert store.get("a/d") is None
    written(store)
    assert store.names("a") == ["b", "c"]
    store.delete("a/c")
    store.delete("a/c")
    assert store.names("a") == ["b"]


def test_new_folders_are_on_disk_before_a_file_in_them_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder that was made is flushed into the one above it: a power cut leaves no file without a way to it."""
    flushed: list[Path] = []
    monkeypatch.setattr(store_module, "_sync_folder", flushed.append)
    LocalStore(tmp_path).put_new("a/b/c", b"1")
    assert set(flushed) == {tmp_path, tmp_path / "a", tmp_path / "a" / "b"}
