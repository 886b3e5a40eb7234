"""Where the lake is, as every command that reads or writes one is told."""

from __future__ import annotations

from typing import Annotated

import typer

LakePlace = Annotated[
    str,
    typer.Option("--lake", metavar="DIR", envvar="OCSF_PIPE_LAKE", help="The lake: a folder or an object store URL."),
]
"""The option `--lake`; use it with the default `HERE`."""

HERE = "lake"
