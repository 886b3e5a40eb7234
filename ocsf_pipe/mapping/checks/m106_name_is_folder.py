"""A shipped mapping is named as its folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from ocsf_pipe.errors import Diagnostic
from ocsf_pipe.mapping.syntax import Mapping
from ocsf_pipe.schema import Schema


def check(mapping: Mapping, _schema: Schema) -> Iterator[Diagnostic]:
    """Complain where `mappings/<vendor>/<product>/mapping.yaml` names another mapping."""
    parts = PurePath(mapping.file).parts
    if parts[-1:] != ("mapping.yaml",) or len(parts) < 3 or parts[-4:-3] != ("mappings",):
        return
    wanted = ".".join(parts[-3:-1])
    if mapping.name != wanted:
        hint = f"write `mapping: {wanted}` or move the folder"
        yield Diagnostic("M106", f"the folder says `{wanted}`, the file `{mapping.name}`", mapping.name_span, hint)
