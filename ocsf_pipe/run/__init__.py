"""Source → plan → engine → lake → commit: the only room that knows all of them."""

from __future__ import annotations

from ocsf_pipe.run.ingest import Ingest
from ocsf_pipe.run.report import Report

__all__ = ["Ingest", "Report"]
