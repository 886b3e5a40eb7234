"""The mappings that a command line names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ocsf_pipe.errors import UsageError
from ocsf_pipe.mapping.catalogue import Listed, catalogue, find_mapping


def named(names: Sequence[str]) -> list[Listed]:
    """Return the mappings of these names, files or folders (with all mappings below), all known ones for none.

    UsageError for a name that is none of these.
    """
    if not names:
        return list(catalogue().values())
    return [found for name in names for found in _named(name)]


def _named(name: str) -> list[Listed]:
    path = Path(name)
    if path.is_dir() and not (path / "mapping.yaml").is_file():
        below = sorted(path.rglob("mapping.yaml"))
        if not below:
            raise UsageError(f"no `mapping.yaml` in `{name}` or below", "name a mapping, its file or its folder")
        return [Listed(_dotted(file), file) for file in below]
    found = find_mapping(name)
    return [Listed(_dotted(found.path), found.path)]


def _dotted(file: Path) -> str:
    folder = file.resolve().parent
    return f"{folder.parent.name}.{folder.name}" if file.name == "mapping.yaml" else file.name
