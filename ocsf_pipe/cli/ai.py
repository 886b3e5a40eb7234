"""`ocsf-pipe ai …`: what concerns language models and agents."""

from __future__ import annotations

from importlib import import_module

import typer

app = typer.Typer(name="ai", no_args_is_help=True, help="Tools, evidence and detections of AI applications.")

PARTS = ("ai_tools", "ai_sufficiency", "ai_evidence")
"""The modules beside this one that hold its commands, in the order of the help; each has `app`, as the program's."""
for _name in PARTS:
    app.add_typer(import_module(f"ocsf_pipe.cli.{_name}").app)
