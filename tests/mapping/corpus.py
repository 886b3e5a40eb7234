"""The corpus of mapping files: those of `ok` are silent, those of `err` say what stands beside them.

`python -m tests.mapping.corpus` writes what the compiler says now as the new expectations; read the diff.
"""

from __future__ import annotations

from contextlib import chdir
from functools import cache
from pathlib import Path

from ocsf_pipe.errors import Diagnostic, MappingError
from ocsf_pipe.mapping import diagnose, render
from ocsf_pipe.mapping.compile import read_text

ROOT = Path(__file__).resolve().parent.parent / "corpus"
OK = sorted((ROOT / "ok").glob("*.yaml"))
ERR = sorted((ROOT / "err").glob("*.yaml"))
_NAME = "# file: "


@cache
def complaints(path: Path) -> list[Diagnostic]:
    """What the compiler says of a file; a first line `# file: mappings/a/b/mapping.yaml` gives it another name."""
    try:
        with chdir(path.parent):  # tables stand beside the mapping
            return diagnose(read_text(path), _name(path), None)[1]
    except MappingError as error:
        return list(error.diagnostics)


def said(path: Path) -> str:
    """The same as text, as a person sees it."""
    found = complaints(path)
    text = render(found, path.read_text(encoding="utf-8", errors="replace"))
    return text.replace(f"{path}:", f"{path.name}:") + "\n" if found else ""


def _name(path: Path) -> str:
    first = path.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0]
    return first.removeprefix(_NAME) if first.startswith(_NAME) else path.name


if __name__ == "__main__":
    for file in ERR:
        file.with_suffix(".out").write_text(said(file), encoding="utf-8")
