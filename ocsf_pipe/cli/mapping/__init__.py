"""`ocsf-pipe mapping …`: what there is for those who write mappings."""

from __future__ import annotations

from importlib import import_module

import typer

COMMANDS = (
    "check",
    "test",
    "explain",
    "coverage",
    "list",
    "new",
)
"""The modules of this folder, in the order of the help; each has `app`."""

app = typer.Typer(name="mapping", no_args_is_help=True, help="Check, test, explain and draft mappings.")
for _name in COMMANDS:
    app.add_typer(import_module(f"ocsf_pipe.cli.mapping.{_name}").app)
