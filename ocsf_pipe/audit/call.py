"""One call of a model, from its beginning to its end; its record is written when it ends."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ocsf_pipe.audit import responses
from ocsf_pipe.audit.content import Content
from ocsf_pipe.audit.scope import Scope, new_id

if TYPE_CHECKING:
    from ocsf_pipe.audit.log import AuditLog


class Call:
    """A call in progress, as `with log.call(…) as call` gives it; no method raises for what it is given."""

    def __init__(self, log: AuditLog, fields: dict[str, Any]) -> None:
        """Begin now; `fields` are of the record, those that are null left out."""
        self.uid = str(fields.pop("call", None) or new_id())
        self._log = log
        self._fields: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
        self._usage: dict[str, Any] = {}
        self._scope = Scope({"call": self.uid})
        self._time, self._began = time.time_ns(), time.monotonic_ns()
        self._pieces: list[str] = []
        self._ended = False

    def usage(
        self,
        input: int | None = None,  # noqa: A002 - the word of every provider
        output: int | None = None,
        *,
        total: int | None = None,
        cache_read: int | None = None,
        cache_write: int | None = None,
        reasoning: int | None = None,
        cost_usd: float | None = None,
    ) -> None:
        """Say the counts of tokens, and the cost; what is said later replaces what was said before."""
        told = {
            "input": input, "output": output, "total": total, "cache_read": cache_read, "cache_write": cache_write,
            "reasoning": reasoning, "cost_usd": cost_usd,
        }  # fmt: skip
        self._usage |= {name: value for name, value in told.items() if value is not None}

    def prompt(self, content: Any) -> None:
        """Say what was asked: text, or the list of messages."""
        self._fields["prompt"] = Content(content)

    def response(self, content: Any, *, uid: str | None = None, model: str | None = None) -> None:
        """Say what was answered."""
        self._fields["response"] = Content(content)
        self.set(response_id=uid, response_model=model)

    def finish(self, reason: str) -> None:
        """Say why the model stopped, in the provider's word."""
        self._fields["finish_reason"] = reason

    def set(self, **fields: Any) -> None:
        """Set further fields of the record; nulls set nothing."""
        self._fields |= {name: value for name, value in fields.items() if value is not None}

    def observe(self, response: Any) -> Any:
        """Take from a client's response object, or from its JSON, whatever is known of it; returns the response."""
        try:
            found = responses.read(response)
        except Exception as error:  # noqa: BLE001 - anybody's object may do anything
            self._log.failed("response", error)
            return response
        self.usage(**found.usage)
        self.set(**found.fields)
        if found.text is not None:
            self._fields["response"] = Content(found.text)
        return response

    def piece(self, piece: Any) -> Any:
        """Take one piece of a streamed answer: a client's chunk, or text; returns the piece."""
        try:
            found = responses.read(piece)
        except Exception as error:  # noqa: BLE001 - as `observe`
            self._log.failed("response", error)
            return piece
        self.usage(**found.usage)
        known = self._fields.get("requested_tools") or []
        asked = found.fields.pop("requested_tools", None) or []
        self.set(**found.fields, requested_tools=[*known, *asked] or None)
        if found.text:
            self._pieces.append(found.text)
        return piece

    def fail(self, error: BaseException | str, *, code: str | int | None = None) -> None:
        """Say that it failed; an exception that leaves the block says so by itself."""
        self._fields |= {"outcome": "failure", "error": error_of(error, code)}

    def tool(self, name: str, **more: Any) -> str:
        """Log a tool call of this call at once, see AuditLog.tool; returns its id."""
        return self._log.tool(name, **{"call": self.uid, **more})

    def retrieval(self, source: str, **more: Any) -> None:
        """Log a retrieval for this call at once, see AuditLog.retrieval."""
        self._log.retrieval(source, **{"call": self.uid, **more})

    def guardrail(self, name: str, verdict: str, **more: Any) -> None:
        """Log a guardrail's verdict on this call at once, see AuditLog.guardrail."""
        self._log.guardrail(name, verdict, **{"call": self.uid, **more})

    def end(self) -> None:
        """Write the record; only the first time counts. Leaving the block does so."""
        if self._ended:
            return
        self._ended = True
        fields = {"outcome": "success", **self._fields, "call": self.uid}
        if self._pieces and "response" not in fields:
            fields["response"] = Content("".join(self._pieces))
        if self._usage:
            fields["usage"] = self._usage
        fields["duration_ms"] = (time.monotonic_ns() - self._began) // 1_000_000
        self._log.write("completion", fields, at=self._time)

    def __enter__(self) -> Self:
        self._scope.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scope.leave()
        if error is not None and "error" not in self._fields:
            self.fail(error)
        self.end()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def error_of(error: BaseException | str, code: str | int | None = None) -> dict[str, Any]:
    """Return what a record tells of an error: its type in clear, its text as content, for it may repeat the prompt."""
    if isinstance(error, str):
        return {"message": Content(error), "code": code}
    if code is None:
        codes = (getattr(error, name, None) for name in ("status_code", "code"))
        code = next((found for found in codes if isinstance(found, int | str)), None)
    return {"type": type(error).__name__, "message": Content(_text(error)), "code": code}


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - anybody's exception may do anything
        return type(error).__name__
