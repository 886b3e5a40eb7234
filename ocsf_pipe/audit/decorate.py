"""Decorators: a function is a call of a model, or a tool; plain, `async`, or giving its answer piece by piece."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ocsf_pipe.audit.content import Content

if TYPE_CHECKING:
    from ocsf_pipe.audit.call import Call
    from ocsf_pipe.audit.log import AuditLog

F = TypeVar("F", bound=Callable[..., Any])
_PROMPTS = ("messages", "prompt", "input", "question", "query")


def calls(log: AuditLog, model: str = "", provider: str = "", **about: Any) -> Callable[[F], F]:
    """Log each use of a function as a call of a model; an argument `model` of the use goes before.

    What the function returns, or yields piece by piece, is looked at for tokens, finish reason, answer and requested
    tools. The prompt is the argument `messages`, `prompt`, `input`, `question` or `query`.
    """

    def around(function: F) -> F:
        named_by = _names(function)

        def begin(args: Any, named: Any) -> Call:
            given = named_by(args, named)
            said = given.get("model")
            prompt = next((given[name] for name in _PROMPTS if name in given), None)
            return log.call(said if isinstance(said, str) else model, provider, **{"prompt": prompt, **about})

        return _wrapped_call(function, begin)

    return around


def _wrapped_call(function: F, begin: Callable[[Any, Any], Call]) -> F:
    @functools.wraps(function)
    def plain(*args: Any, **named: Any) -> Any:
        with begin(args, named) as call:
            return call.observe(function(*args, **named))

    @functools.wraps(function)
    async def waiting(*args: Any, **named: Any) -> Any:
        async with begin(args, named) as call:
            return call.observe(await function(*args, **named))

    @functools.wraps(function)
    def giving(*args: Any, **named: Any) -> Iterator[Any]:
        with begin(args, named) as call:
            for piece in function(*args, **named):
                yield call.piece(piece)

    @functools.wraps(function)
    async def giving_later(*args: Any, **named: Any) -> AsyncIterator[Any]:
        async with begin(args, named) as call:
            async for piece in function(*args, **named):
                yield call.piece(piece)

    if inspect.isasyncgenfunction(function):
        return cast("F", giving_later)
    if inspect.isgeneratorfunction(function):
        return cast("F", giving)
    return cast("F", waiting if inspect.iscoroutinefunction(function) else plain)


def tools(log: AuditLog, name: str = "", **about: Any) -> Callable[[F], F]:
    """Log each use of a function, sync or async, as a tool call: arguments, result, how long it took, its failure."""

    def around(function: F) -> F:
        named_by = _names(function)
        label = name or getattr(function, "__name__", "tool")

        def done(began: int, args: Any, named: Any, **outcome: Any) -> None:
            took = (time.monotonic_ns() - began) // 1_000_000
            log.tool(label, arguments=named_by(args, named), duration_ms=took, **{**about, **outcome})

        @functools.wraps(function)
        def plain(*args: Any, **named: Any) -> Any:
            began = time.monotonic_ns()
            try:
                result = function(*args, **named)
            except BaseException as error:
                done(began, args, named, error=error)
                raise
            done(began, args, named, result=result)
            return result

        @functools.wraps(function)
        async def waiting(*args: Any, **named: Any) -> Any:
            began = time.monotonic_ns()
            try:
                result = await function(*args, **named)
            except BaseException as error:
                done(began, args, named, error=error)
                raise
            done(began, args, named, result=result)
            return result

        return cast("F", waiting if inspect.iscoroutinefunction(function) else plain)

    return around


def _names(function: Callable[..., Any]) -> Callable[[Any, Any], Mapping[str, Any]]:
    """Return what gives the arguments of a use their names, `self` left out; those without a name are `args`."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # written in C
        signature = None

    def named_by(args: Any, named: Any) -> Mapping[str, Any]:
        try:
            found = dict(signature.bind(*args, **named).arguments) if signature else {"args": list(args), **named}
        except TypeError:  # a wrong use: the function itself will say so
            found = {"args": list(args), **named}
        return {name: value for name, value in found.items() if name not in ("self", "cls")}

    return named_by


def document(given: Any) -> dict[str, Any]:
    """Return what a record tells of a fetched document; its text is content."""
    if not isinstance(given, dict):
        return {"id": given}
    told = {name: given[name] for name in ("id", "uri", "source", "score", "label") if name in given}
    return {**told, "text": Content(given["text"])} if "text" in given else told
