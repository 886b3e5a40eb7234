"""ocsf_pipe: raw security logs to OCSF tables.

    from ocsf_pipe import Lake, compile_mapping, normalize

    normalize([{"eventType": …}], "okta.system_log").tables["authentication"]   # pyarrow.Table
    Lake("lake").sql("select actor.user.name from authentication")              # pyarrow.Table
    Lake("lake").scan("authentication")                                         # polars.LazyFrame

Names are imported when first used, so that `import ocsf_pipe` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocsf_pipe.errors import LakeError, MappingError, OcsfPipeError, SchemaError, SourceError, UsageError
    from ocsf_pipe.lake import Lake
    from ocsf_pipe.mapping import compile_mapping
    from ocsf_pipe.run.normalize import Normalized, normalize

__all__ = [
    "Lake",
    "LakeError",
    "MappingError",
    "Normalized",
    "OcsfPipeError",
    "SchemaError",
    "SourceError",
    "UsageError",
    "compile_mapping",
    "normalize",
]

_HOMES = {
    "Lake": "ocsf_pipe.lake",
    "compile_mapping": "ocsf_pipe.mapping",
    "normalize": "ocsf_pipe.run.normalize",
    "Normalized": "ocsf_pipe.run.normalize",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module `ocsf_pipe` has no attribute `{name}`")
    return getattr(import_module(_HOMES.get(name, "ocsf_pipe.errors")), name)
