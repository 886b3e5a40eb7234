"""The values of placeholders, as `--placeholders FILE` names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ocsf_pipe.errors import UsageError


def values_of(file: Path | None) -> dict[str, list[str]]:
    """Read the values of each placeholder; none without a file. Raises UsageError for a file that holds none."""
    import yaml

    if file is None:
        return {}
    filled: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(filled, dict):
        raise UsageError(f"`{file}` holds no placeholders", "write `name: [value, …]` lines")
    return {str(k): [str(x) for x in v] if isinstance(v, list) else [str(v)] for k, v in filled.items()}
