"""What a commit says of the files it brings and takes: written into the commit itself, so that both come or neither."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ocsf_pipe.errors import LakeError
from ocsf_pipe.lake.store import Store

if TYPE_CHECKING:
    from deltalake.transaction import AddAction, RemoveAction

WIDTH = 16
"""Bytes of one row's digest: SHA-256, cut."""
ROOT = "_integrity"
KEY = "ocsf_pipe"
LEVELS = ("rows", "files", "off")
"""How much of a commit is attested: every row, the files' bytes, or only that it was ours."""


@dataclass(frozen=True, slots=True)
class Digests:
    """Row digests that lie beside the tables: where, how many, and the SHA-256 over all of them."""

    path: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Written:
    """A file that is ready to be added, the SHA-256 of its bytes, and where the digests of its rows are."""

    action: AddAction
    rows: int
    sha256: str
    digests: Digests | None = None


@dataclass(frozen=True, slots=True)
class FileClaim:
    """A file as its commit describes it.

    `digests` are those of its rows, in their order, where the rows came with this commit. Where it was made of other
    files, `made_of` names them and `taken` the digests of rows that were left out. `sha256` is empty where nothing is
    attested.
    """

    path: str
    rows: int
    sha256: str
    digests: Digests | None = None
    made_of: tuple[str, ...] = ()
    taken: Digests | None = None

    @property
    def day(self) -> str:
        """The day that the file is filed under, as in its path."""
        return day_of(self.path)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one commit of ours did: `kind` is append, replay, compact or retain."""

    kind: str
    added: tuple[FileClaim, ...] = ()
    removed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the claim as it is stored."""
        return {"kind": self.kind, "added": [_file(one) for one in self.added], "removed": list(self.removed)}

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> Claim:
        """Return the claim that `to_json` gave."""
        return Claim(found["kind"], tuple(_claim(one) for one in found["added"]), tuple(found["removed"]))


def claim_of(kind: str, added: Iterable[Written | FileClaim], removed: Sequence[RemoveAction] = ()) -> Claim:
    """Return the claim of a commit with these files."""
    files = (
        one if isinstance(one, FileClaim) else FileClaim(one.action.path, one.rows, one.sha256, one.digests)
        for one in added
    )
    return Claim(kind, tuple(files), tuple(action.path for action in removed))


def put_digests(store: Store, table: str, path: str, digests: bytes) -> Digests:
    """Store the digests of rows durably under a path that is their own."""
    place = f"{ROOT}/{table}/rows/{path.removesuffix('.parquet')}.rows"
    with store.writer(place) as file:
        file.write(digests)
    return Digests(place, len(digests) // WIDTH, sha256(digests).hexdigest())


def get_digests(store: Store, digests: Digests) -> bytes:
    """Return stored digests; LakeError where they are gone or not what they were."""
    found = store.get(digests.path)
    if found is None:
        raise LakeError(f"the row digests `{digests.path}` are gone")
    if sha256(found).hexdigest() != digests.sha256:
        raise LakeError(f"the row digests `{digests.path}` were altered")
    return found


def day_of(path: str) -> str:
    """Return the day in a file's path, `2026-02-10`; empty where it has none."""
    first = path.split("/", maxsplit=1)[0]
    return first.removeprefix("event_day=") if first.startswith("event_day=") else ""


def canonical(value: Any) -> bytes:
    """Return JSON in the one form that is hashed: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _file(one: FileClaim) -> dict[str, Any]:
    found: dict[str, Any] = {"path": one.path, "rows": one.rows, "sha256": one.sha256}
    for name, digests in (("digests", one.digests), ("taken", one.taken)):
        if digests is not None:
            found[name] = {"path": digests.path, "rows": digests.rows, "sha256": digests.sha256}
    return found | ({"made_of": list(one.made_of)} if one.made_of else {})


def _claim(found: Mapping[str, Any]) -> FileClaim:
    def digests(name: str) -> Digests | None:
        return Digests(**found[name]) if name in found else None

    made_of = tuple(found.get("made_of", ()))
    return FileClaim(found["path"], found["rows"], found["sha256"], digests("digests"), made_of, digests("taken"))
