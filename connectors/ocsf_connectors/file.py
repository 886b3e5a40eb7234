"""The `file` connector: files, folders and globs, each file one partition, followed wherever it is moved.

A file is known by its inode and by what is inside (file_identity.py), so it keeps its id when it is renamed, copied
before it is cut, or packed, also while nobody looks. The id is `<device>-<inode>-<hash of the first line>` of the file
when it was first seen; it is kept in the lake's ledger, and changes only where a file is cut or written anew, which
makes it another file.

What is read when: whole lines at once. A last line without its line feed when the file has been renamed or removed and
rests for `settle` seconds, or rests for `complete_after` seconds. Packed files, EVTX, UTF-16, XML and JSON that is not
one record a line when they rest for `settle` seconds, and again behind what was read whenever they have grown.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ocsf_connectors.file_ledger import Known
from ocsf_connectors.file_partition import FollowedFile
from ocsf_connectors.file_paths import STDIN, Wanted, find, open_stream, partition_id
from ocsf_connectors.file_place import Options, Stamp
from ocsf_connectors.file_scan import Scanner
from ocsf_connectors.file_shelf import Shelf
from ocsf_connectors.unpacked import Unpacked, packing
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Context, Offset

__all__ = ["SETTINGS", "STDIN", "FileSource", "Unpacked", "connect", "find", "open_stream", "packing", "partition_id"]

START = Offset()
_DEFAULT = Options()


def _seconds(description: str, default: float) -> dict[str, Any]:
    return {"type": "number", "minimum": 0, "default": default, "description": description}


SETTINGS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["paths"],
    "properties": {
        "paths": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "minLength": 1},
            "description": "Files, folders (all below them but what is hidden) and globs such as `/var/log/**/*.log`. "
            "What is not there yet is waited for.",
        },
        "exclude": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Globs of paths or names that are left out.",
        },
        "follow": {
            "type": "boolean",
            "default": True,
            "description": "Read on as files grow and come; without it what is there is read once, to its end.",
        },
        "start": {
            "enum": ["beginning", "end"],
            "default": "beginning",
            "description": "Where files are begun that are there when the source runs for the first time; files that "
            "come later are read from their beginning.",
        },
        "poll": _seconds("Seconds between two looks at the paths.", _DEFAULT.poll),
        "settle": _seconds(
            "Seconds for which a packed file or a document must not change before it is read, and a renamed or removed "
            "file before its last line is taken without a line feed.",
            _DEFAULT.settle,
        ),
        "complete_after": _seconds(
            "Seconds without a change after which a file is complete: its last line needs no line feed, and a packed, "
            "removed or renamed one is let go of.",
            _DEFAULT.complete_after,
        ),
        "max_files": {
            "type": "integer",
            "minimum": 1,
            "default": _DEFAULT.max_files,
            "description": "More files than this are an error, so that a wrong glob is found out.",
        },
    },
}
"""What a pipeline file may say about a source of files."""


def connect(settings: Mapping[str, Any], context: Context) -> FileSource:
    """Return the files that the settings name as a source; nothing is opened yet."""
    paths = settings["paths"]
    if STDIN in paths:
        raise SourceError("`-` is no file", "standard input is read by `ocsf-pipe ingest -`")
    numbers = {
        name: settings[name] for name in ("follow", "poll", "settle", "complete_after", "max_files") if name in settings
    }
    options = Options(from_end=settings.get("start") == "end", **numbers)
    wanted = Wanted(tuple(map(os.path.abspath, paths)), tuple(settings.get("exclude", ())))
    return FileSource(wanted, options, context)


class FileSource:
    """Files as partitions; what is known of them outlives the process in the context's ledger."""

    def __init__(self, wanted: Wanted, options: Options, context: Context) -> None:
        """Read the ledger."""
        self._shelf = Shelf()
        self._known = Known(context.ledger)
        self._scanner = Scanner(wanted, self._known, options, self._shelf.handle)
        self._decoder = context.decoder
        self._opened: dict[str, FollowedFile] = {}
        self._finished: dict[str, Stamp] = {}

    def partitions(self) -> Sequence[str]:
        """Return the ids of the files that are followed; one that is finished until all of it is in the lake."""
        self._scanner.look()
        over = {name: part.finished for name, part in self._opened.items() if part.finished and part.settled}
        self._finished.update(over)
        self._opened = {name: part for name, part in self._opened.items() if name not in over and not part.closed}
        there = [name for name, place in self._scanner.by_id.items() if self._finished.get(name) != place.stamp]
        # Also what was just finished is missing for once, so that it is let go of before it is opened again.
        return [name for name in dict.fromkeys([*there, *self._opened]) if name not in over]

    def open(self, partition: str, offset: Offset = START) -> FollowedFile:
        """Open a file at an offset; raises SourceError for an id that none ever had."""
        entry = self._known.entries.get(partition)
        if entry is None:
            raise SourceError(f"no file has the id `{partition}`", "the ledger of this source was removed or replaced")
        self._finished.pop(partition, None)
        part = FollowedFile(entry, self._scanner, self._shelf, self._decoder, offset)
        self._opened[partition] = part
        return part

    def close(self) -> None:
        """Close every file, and write down what is known of them."""
        for part in self._opened.values():
            part.close()
        self._opened.clear()
        self._known.save()
