"""What a table got since a version of it: the files that brought rows, not those that moved them."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from ocsf_pipe.lake.store import Store


def added(store: Store, name: str, table: DeltaTable, after: int | None, until: int) -> list[str] | None:
    """Return the files that commits after version `after` up to `until` added to a table, by their path in it.

    Files that a compaction wrote are left out: their rows came before. All files for `after` None. None where the
    commits, or files that they added, are not there any more: whoever asks has to look at the whole table.
    """
    if after is None:
        return list(pa.table(table.get_add_actions())["path"].to_pylist())
    found: list[str] = []
    for version in range(after + 1, until + 1):
        commit = store.get(f"{name}/_delta_log/{version:020d}.json")
        if commit is None:
            return None
        for line in commit.splitlines():
            action = json.loads(line).get("add")
            if action is not None and action.get("dataChange", True):
                found.append(unquote(action["path"]))
    return found if _all_there(store, name, found) else None


def _all_there(store: Store, name: str, paths: list[str]) -> bool:
    """Whether the files are there: a compaction takes them out of the table, a vacuum from the disk, days later."""
    folders = {path.rpartition("/")[0] for path in paths}
    there = {
        f"{folder}/{file}".lstrip("/") for folder in folders for file in store.names(f"{name}/{folder}".rstrip("/"))
    }
    return there.issuperset(paths)
