"""The standard library's logging as a way in."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ocsf_pipe.audit.content import Content

if TYPE_CHECKING:
    from ocsf_pipe.audit.log import AuditLog


class AuditHandler(logging.Handler):
    """Turns log records into audit records of the kind `message`.

    The text is content, for nobody knows what an application writes into it. `extra={"audit": {…}}` adds fields, and
    with a `kind` in it makes the record one of that kind: `log.info("…", extra={"audit": {"kind": "approval", …}})`.
    """

    def __init__(self, log: AuditLog, level: int = logging.INFO) -> None:
        """Write to an audit log what is of a level, or above."""
        super().__init__(level)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; raises nothing."""
        try:
            fields = {
                "level": record.levelname.lower(),
                "logger": record.name,
                "code": {"file": record.pathname, "line": record.lineno, "function": record.funcName},
                "message": Content(record.getMessage()),
            }
            if record.exc_info and record.exc_info[1] is not None:
                error = record.exc_info[1]
                fields["error"] = {"type": type(error).__name__, "message": Content(str(error))}
            extra = getattr(record, "audit", None)
            more = dict(extra) if isinstance(extra, dict) else {}
            self._log.write(str(more.pop("kind", "message")), fields | more, at=int(record.created * 1e9))
        except Exception as error:  # noqa: BLE001 - as AuditLog.write
            self._log.failed("handler", error)
