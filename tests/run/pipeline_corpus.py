"""The corpus of pipeline files: those of `ok` are silent, those of `err` say what stands beside them.

`python -m tests.run.pipeline_corpus` writes what is said now as the new expectations; read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

from ocsf_connectors import CONNECTORS
from ocsf_pipe.errors import Diagnostic, PipelineError
from ocsf_pipe.run.pipeline import Pipeline, load_pipeline

CHECKOUT = Path(__file__).resolve().parent.parent.parent
ROOT = CHECKOUT / "tests" / "corpus" / "pipeline"
OK = sorted((ROOT / "ok").glob("*.yaml"))
ERR = sorted((ROOT / "err").glob("*.yaml"))
SECRET = "s3cr3t-of-the-corpus"
ENVIRONMENT = {"PROBE_TOKEN": SECRET, "PROBE_EMPTY": "", "PROBE_SHORT": "abc"}
KNOWN = {"probe": "tests.run.probe", "kafka": "ocsf_connectors.kafka"}
"""The connectors that there are for the files of the corpus: one of our own, and one that ships."""


def loaded(path: Path) -> Pipeline:
    """Read a file of the corpus; raises PipelineError."""
    return load_pipeline(path.relative_to(CHECKOUT))


def complaints(path: Path) -> tuple[tuple[Diagnostic, ...], str]:
    """What is wrong with a file, and how it is shown."""
    try:
        loaded(path)
    except PipelineError as error:
        return error.diagnostics, str(error).replace(f"{path.parent.relative_to(CHECKOUT)}/", "") + "\n"
    return (), ""


if __name__ == "__main__":
    os.chdir(CHECKOUT)
    os.environ.update(ENVIRONMENT)
    CONNECTORS.clear()
    CONNECTORS.update(KNOWN)
    for file in ERR:
        file.with_suffix(".out").write_text(complaints(file)[1], encoding="utf-8")
