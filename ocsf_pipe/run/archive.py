"""The mappings that batches were begun with, kept in the lake: a batch left half done is finished as it began.

Without this a change of a mapping between a crash and the restart would need a person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import Listed

ROOT = "_mappings"


def keep(lake: Lake, digest: str, mappings: Sequence[Listed]) -> None:
    """Write down the mappings that a digest stands for; a digest that is known is not written again."""
    texts = {listed.name: listed.path.read_text("utf-8") for listed in mappings}
    lake.store.put_new(f"{ROOT}/{digest}.json", json.dumps(texts, ensure_ascii=False).encode())


def recalled(lake: Lake, digest: str, folder: Path) -> tuple[Listed, ...]:
    """Return the mappings of a digest, as files below `folder`; none where they were never written down."""
    found = lake.store.get(f"{ROOT}/{digest}.json")
    listed = []
    for name, text in json.loads(found or b"{}").items():
        path = folder / digest / name.replace(".", "/") / "mapping.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        listed.append(Listed(name, path))
    return tuple(listed)
