"""The mappings that batches were begun with, kept in the lake: a batch left half done is finished as it began.

Without this a change of a mapping between a crash and the restart would need a person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import Listed

ROOT = "_mappings"


def keep(lake: Lake, digest: str, mappings: Sequence[Listed]) -> None:
    """Write down the mappings that a digest stands for, with their tables; a digest that is known is left alone."""
    kept = [_kept(listed) for listed in mappings]
    lake.store.put_new(f"{ROOT}/{digest}.json", json.dumps(kept, ensure_ascii=False).encode())


def _kept(listed: Listed) -> dict[str, Any]:
    home = listed.path.absolute().parent
    files = [listed.path, *sorted(home.glob("*.csv"))]
    texts = {file.name: file.read_text("utf-8-sig") for file in files}
    return {"name": listed.name, "home": home.parts[-2:], "file": listed.path.name, "texts": texts}


def recalled(lake: Lake, digest: str, folder: Path) -> tuple[Listed, ...]:
    """Return the mappings of a digest, as files below `folder`; none where they were never written down."""
    found = lake.store.get(f"{ROOT}/{digest}.json")
    listed = []
    for kept in json.loads(found or b"[]"):
        home = folder.joinpath(digest, *kept["home"])
        home.mkdir(parents=True, exist_ok=True)
        for name, text in kept["texts"].items():
            (home / name).write_text(text, "utf-8")
        listed.append(Listed(kept["name"], home / kept["file"]))
    return tuple(listed)
