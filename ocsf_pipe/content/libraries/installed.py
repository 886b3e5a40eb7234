"""The libraries that are here."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from ocsf_pipe.content.libraries import kingfisher
from ocsf_pipe.content.libraries.library import Library


@cache
def installed() -> tuple[Library, ...]:
    """Return the libraries that are installed, none of them loaded yet."""
    return (kingfisher.Kingfisher(),) if find_spec(kingfisher.MODULE) is not None else ()
