"""The audit log of an application: what it says, where that goes, and that it never gets in the way."""

from __future__ import annotations

import atexit
import itertools
import os
import socket
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any, Self

from ocsf_pipe.audit import decorate, segments
from ocsf_pipe.audit.call import Call, error_of
from ocsf_pipe.audit.content import Content, Measurer
from ocsf_pipe.audit.encode import line
from ocsf_pipe.audit.key import load_key
from ocsf_pipe.audit.post import Client
from ocsf_pipe.audit.scope import Scope, current, new_id
from ocsf_pipe.audit.shipper import Shipper, Tally
from ocsf_pipe.audit.spool import FSYNC, Spool, SpoolFullError

URL, TOKEN, FOLDER = "OCSF_PIPE_AUDIT_URL", "OCSF_PIPE_AUDIT_TOKEN", "OCSF_PIPE_AUDIT_DIR"
_EXIT_SECONDS = 2.0
_logs: weakref.WeakSet[AuditLog] = weakref.WeakSet()


class AuditLog:
    """Writes audit records to a folder, and ships them to an HTTP listener of a pipeline from a thread of its own.

    Every method returns at once and raises nothing for what happens: a full disk, an absent listener, a value that is
    no JSON. What was not kept is counted in `tally`, and the next record that is kept says how many are missing.
    """

    def __init__(
        self,
        app: str = "",
        *,
        url: str | None = None,
        token: str | None = None,
        folder: str | os.PathLike[str] | None = None,
        content: bool = False,
        version: str = "",
        environment: str = "",
        fsync: str = "sealed",
        interval: float = 1.0,
        max_bytes: int = 256 << 20,
        segment_bytes: int = 256 << 10,
    ) -> None:
        """Touch neither disk nor network yet; raises ValueError for a `fsync` that there is not.

        `url`, `token` and `folder` are those of OCSF_PIPE_AUDIT_URL, _TOKEN and _DIR unless given; without a URL
        records wait in the folder. `content` keeps text. `interval` is in seconds, between two batches.
        """
        if fsync not in FSYNC:
            raise ValueError(f"`{fsync}` is none of {', '.join(FSYNC)}")
        self.app = app or Path(sys.argv[0] or "python").stem
        self.tally = Tally()
        self.folder = Path(folder or os.environ.get(FOLDER) or _state_folder() / (_file_name(self.app)))
        self._content, self._interval = content, interval
        self._about = {
            "app": {"name": self.app, "version": version or None, "environment": environment or None},
            "content": "text" if content else "none",
        }
        self._measurer: Measurer | None = None
        self._told = 0
        self._counting = threading.RLock()
        self._begin_process()
        self._spool = Spool(self.folder, max_bytes=max_bytes, segment_bytes=segment_bytes, fsync=fsync)
        self._shipper = Shipper(self._spool, self._client(url or os.environ.get(URL, ""), token), self.tally, interval)
        _logs.add(self)

    # ------------------------------------------------------------------------------------------ what is said

    def call(
        self,
        model: str = "",
        provider: str = "",
        *,
        operation: str = "chat",
        prompt: Any = None,
        call: str | None = None,
        agent: str | None = None,
        **more: Any,
    ) -> Call:
        """Begin a call of a model, to be used as `with log.call(…) as call` or `async with`; it is logged at its end.

        `operation` is chat, embeddings, rerank and so on; `more` becomes fields of the record.
        """
        about = {"model": model or None, "provider": provider or None, "operation": operation, "agent": agent}
        asked = None if prompt is None else Content(prompt)
        return Call(self, {"call": call, **about, "prompt": asked, **more})

    def tool(
        self,
        name: str,
        *,
        arguments: Any = None,
        result: Any = None,
        error: BaseException | str | None = None,
        server: str | None = None,
        transport: str | None = None,
        uid: str | None = None,
        read_only: bool | None = None,
        destructive: bool | None = None,
        open_world: bool | None = None,
        duration_ms: float | None = None,
        **more: Any,
    ) -> str:
        """Log that a tool was called; returns the id of the tool call."""
        uid = uid or new_id()
        hints = {"read_only": read_only, "destructive": destructive, "open_world": open_world}
        fields: dict[str, Any] = {
            "tool": {"name": name, "server": server, "transport": transport, **hints},
            "tool_call": uid,
            "outcome": "failure" if error is not None else "success",
            "duration_ms": duration_ms,
        }
        fields |= _contents(arguments=arguments, result=result)
        if error is not None:
            fields["error"] = error_of(error)
        # Records bear the time at which something began.
        self.write("tool_call", fields | more, at=time.time_ns() - int(_number(duration_ms) * 1_000_000))
        return uid

    def retrieval(
        self,
        source: str,
        *,
        query: Any = None,
        documents: list[Any] | None = None,
        count: int | None = None,
        system: str | None = None,
        embedding_model: str | None = None,
        **more: Any,
    ) -> None:
        """Log that documents were fetched for a prompt: a list of ids or of {id, uri, source, score, text}."""
        given = [decorate.document(one) for one in documents or ()]
        fields: dict[str, Any] = {
            "source": {"name": source, "system": system, "embedding_model": embedding_model},
            "documents": given,
            "count": len(given) if count is None else count,
            "outcome": "success",
        }
        self.write("retrieval", fields | _contents(query=query) | more)

    def guardrail(
        self,
        name: str,
        verdict: str,
        *,
        stage: str | None = None,
        categories: list[str] | tuple[str, ...] = (),
        score: float | None = None,
        matched: Any = None,
        uid: str | None = None,
        **more: Any,
    ) -> None:
        """Log a verdict: passed, flagged, masked, blocked, or error where the guardrail itself failed.

        `stage` is input, output, tool_input, tool_output or retrieval; `matched` is the text that was found, a content.
        """
        about = {"name": name, "id": uid}
        fields = {"guardrail": about, "verdict": verdict, "stage": stage, "categories": categories, "score": score}
        self.write("guardrail", fields | _contents(matched=matched) | more)

    def approval(
        self,
        decision: str,
        *,
        tool: str | None = None,
        tool_call: str | None = None,
        by: str | None = None,
        reason: str | None = None,
        waited_ms: float | None = None,
        **more: Any,
    ) -> None:
        """Log what a human or a rule decided on an action: approved, denied, or allowed (by a rule, nobody asked)."""
        about = None if tool is None else {"name": tool}
        fields = {"decision": decision, "tool": about, "tool_call": tool_call, "by": by, "waited_ms": waited_ms}
        self.write("approval", fields | _contents(reason=reason) | more)

    def error(self, error: BaseException | str, **more: Any) -> None:
        """Log an error that is of no call."""
        self.write("error", {"error": error_of(error), "outcome": "failure", **more})

    def session(self, session: str | None = None, *, user: str | None = None, agent: str | None = None) -> Scope:
        """Give every record within the block a session, and whose it is; `with` or `async with`."""
        return Scope({"session": session or new_id(), "user": user, "agent": agent})

    def turn(self, turn: str | None = None) -> Scope:
        """Give every record within the block a turn: one prompt of a user and everything that it sets off."""
        return Scope({"turn": turn or new_id()})

    calls = decorate.calls
    tools = decorate.tools

    # ------------------------------------------------------------------------------------------ where it goes

    def write(self, kind: str, fields: dict[str, Any], *, at: int | None = None) -> bool:
        """Write a record of any kind, at a time in nanoseconds; returns whether it is in the kernel's hands."""
        try:
            if os.getpid() != self._pid:
                self._begin_process()
            measurer = self._measured() if self._measurer is None else self._measurer
            if self.tally.lost > self._told:
                self._tell_gap(measurer)
            self._put(kind, fields, at or time.time_ns(), measurer)
        except Exception as error:  # noqa: BLE001 - an audit log may not break what it audits
            self.failed("record", error)
            with self._counting:
                self.tally.lost += 1
            return False
        self._start()
        return True

    def failed(self, what: str, error: BaseException) -> None:
        """Count what went wrong within the log itself."""
        reason = "full" if isinstance(error, SpoolFullError) else f"{what}: {type(error).__name__}"
        with self._counting:
            self.tally.lost_for[reason] = self.tally.lost_for.get(reason, 0) + 1
            # The text of any other exception may repeat what was being logged.
            self.tally.last_error = f"{what}: {error}" if isinstance(error, OSError | SpoolFullError) else reason

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until the folder is empty, other processes' records included; returns whether it is."""
        until = time.monotonic() + timeout
        while not self._empty():
            if time.monotonic() > until or not self._shipper.ships:
                return False
            self._start()
            self._shipper.wake()
            time.sleep(0.01)
        return True

    def close(self, timeout: float = _EXIT_SECONDS) -> None:
        """Send what can be sent within so many seconds; what is left is sent by the next process. Logging may go on."""
        try:
            self._spool.seal()
            self._shipper.stop(timeout)
        except Exception as error:  # noqa: BLE001 - as `write`
            self.failed("close", error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        # What is left is sent by the thread, or by the next process: an event loop does not wait.
        self.close(0)

    def _put(self, kind: str, fields: dict[str, Any], at: int, measurer: Measurer) -> None:
        origin = {**self._origin, "seq": next(self._sequence)}
        about = {"kind": kind, **self._about, "origin": origin, "hmac_key": measurer.key_id or None}
        self._spool.append(line(at, {**about, **current(), **fields}, measurer))
        with self._counting:
            self.tally.written += 1

    def _tell_gap(self, measurer: Measurer) -> None:
        with self._counting:
            lost, told, self._told = self.tally.lost, self._told, self.tally.lost
            reasons = dict(self.tally.lost_for)
        try:
            self._put("gap", {"count": lost - told, "reasons": reasons}, time.time_ns(), measurer)
        except BaseException:
            with self._counting:
                self._told -= lost - told
            raise

    def _measured(self) -> Measurer:
        """The key needs a disk; without it, hashes are left out until there is one."""
        try:
            self._spool.count()
            self._measurer = Measurer(load_key(self.folder), keep_text=self._content)
        except OSError as error:
            self.failed("key", error)
            return Measurer(b"", keep_text=self._content)
        return self._measurer

    def _client(self, url: str, token: str | None) -> Client | None:
        try:
            return Client(url, token if token is not None else os.environ.get(TOKEN, "")) if url else None
        except ValueError as error:  # records wait in the folder until somebody mends the setting
            self.tally.last_error = str(error)
            return None

    def _start(self) -> None:
        try:
            self._shipper.start()
        except RuntimeError as error:  # no more threads
            self.failed("thread", error)

    def _empty(self) -> bool:
        return not any(one.suffix in (segments.OPEN, segments.READY) for one in self.folder.glob("*.*"))

    def _begin_process(self) -> None:
        """A forked child is a writer of its own."""
        self._pid = os.getpid()
        self._measurer = None
        self._sequence = itertools.count(1)
        self._told = 0
        self._counting = threading.RLock()  # a signal handler may log while its thread does
        self.tally.reset()
        self._origin = {"host": socket.gethostname(), "pid": self._pid, "writer": os.urandom(8).hex()}

    def after_fork(self) -> None:
        """Begin anew in a child."""
        self._spool.after_fork()
        self._shipper.after_fork()
        self._begin_process()


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) and 0 < value < 1 << 40 else 0


def _contents(**values: Any) -> dict[str, Any]:
    return {name: Content(value) for name, value in values.items() if value is not None}


def _state_folder() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "ocsf_pipe" / "audit"


def _file_name(app: str) -> str:
    return "".join(one if one.isalnum() or one in "-_." else "_" for one in app).lstrip(".") or "app"


def _children() -> None:
    segments.after_fork()
    for log in list(_logs):
        log.after_fork()


def _exit() -> None:
    for log in list(_logs):
        log.close()


os.register_at_fork(after_in_child=_children)
atexit.register(_exit)
