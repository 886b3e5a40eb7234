"""Lists of tools found in logs: what MCP servers answered, and what models were given.

Records need not be of any one shape. Whatever holds a list of tools is read, in envelopes of proxies, in JSON within
text, in attributes of spans: results of `tools/list`, requests to models, `gen_ai.tool.definitions`, `llm.tools.N.…`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ocsf_pipe.contracts.tool import Tool, tool_of

UNNAMED = "unnamed"
"""The server of a list that does not say whose it is, where several are known."""
Kind = Literal["mcp", "function"]
_DEEPEST = 24
_LONGEST = 8 << 20
_SERVER_KEYS = (
    "server_name", "serverName", "mcp_server_name", "mcpServerName", "mcp_server", "mcpServer", "mcp.server.name",
    "target_server", "server_label", "server",
)  # fmt: skip
_SESSION_KEYS = ("session_id", "sessionId", "mcp_session_id", "mcpSessionId", "mcp-session-id", "Mcp-Session-Id")
_SINGLE = re.compile(r"(llm\.tools\.\d+\.)?tool\.json_schema")


@dataclass(frozen=True, slots=True)
class Listing:
    """Tools that were listed together; `server` is who offers them, of the kind `function` the application.

    `complete` says that the server has no other. `time` is in epoch ms and `event` the id of the event in the lake,
    where the list was found in one.
    """

    server: str
    kind: Kind
    tools: tuple[Tool, ...]
    complete: bool = False
    time: int | None = None
    event: str | None = None


@dataclass(slots=True)
class _Record:
    """What one record says: its lists, and who and in which session it is of."""

    listings: list[Listing] = field(default_factory=list)
    server: str = ""
    own_name: str = ""
    session: str = ""
    service: str = ""


def listings(records: Iterable[tuple[Any, int | None, str | None]], server: str = "") -> list[Listing]:
    """Return the lists in records, each with its time and event; `server` is that of lists that do not say.

    A list without a server's name is that of the server which introduced itself in the same session, or at all where
    only one did.
    """
    found: list[tuple[_Record, Listing]] = []
    by_session: dict[str, str] = {}
    for value, time, event in records:
        record = _Record()
        _walk(value, record, 0)
        if name := record.server or record.own_name:
            by_session.setdefault(record.session, name)
        found += [(record, replace(one, time=time, event=event)) for one in record.listings]
    only = next(iter(names)) if len(names := set(by_session.values())) == 1 else ""
    return [replace(one, server=_server(record, one, server, by_session, only)) for record, one in found]


def _server(record: _Record, listing: Listing, told: str, by_session: Mapping[str, str], only: str) -> str:
    if listing.kind == "function":
        return record.service or told or "functions"
    return record.server or record.own_name or told or by_session.get(record.session, "") or only or UNNAMED


def read_lines(data: bytes) -> Iterator[Any]:
    """Yield the JSON values of a file: one document, or one a line; lines that are no JSON are passed over."""
    try:
        yield json.loads(data)
    except ValueError:
        for line in data.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _walk(value: Any, record: _Record, depth: int) -> None:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        inner = _json(value)
        if inner is not None:
            _walk(inner, record, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _walk(one, record, depth + 1)
    elif isinstance(value, dict):
        _walk_object(_attributes(value), record, depth)


def _walk_object(value: dict[str, Any], record: _Record, depth: int) -> None:
    _note(value, record)
    for key, inner in value.items():
        if key == "tools" or key.endswith(("tool.definitions", "toolConfig")):
            _list(inner, record, complete=value.get("nextCursor") is None)
        elif _SINGLE.fullmatch(key):
            _list([inner], record, complete=False)
        _walk(inner, record, depth + 1)


def _list(value: Any, record: _Record, *, complete: bool) -> None:
    found = _json(value) if isinstance(value, str) else value
    given = [_json(one) if isinstance(one, str) else one for one in found] if isinstance(found, list) else []
    tools = tuple(tool for one in given if (tool := tool_of(one)) is not None)
    if not tools:
        return
    of_mcp = any(isinstance(one, Mapping) and "inputSchema" in one for one in given)
    listing = Listing("", "mcp" if of_mcp else "function", tools, complete=complete and of_mcp)
    if listing not in record.listings:
        record.listings.append(listing)


def _note(value: Mapping[str, Any], record: _Record) -> None:
    """Take who a record is of from wherever it says so; what is further out goes before."""
    record.server = record.server or _named(value, _SERVER_KEYS)
    record.session = record.session or _named(value, _SESSION_KEYS)
    record.service = record.service or _named(value, ("service.name",))
    if isinstance(info := value.get("serverInfo"), Mapping):
        record.own_name = record.own_name or _named(info, ("name",))


def _named(value: Mapping[str, Any], keys: Iterable[str]) -> str:
    for key in keys:
        found = value.get(key)
        found = found.get("name") if isinstance(found, Mapping) else found
        if isinstance(found, str) and found:
            return found
    return ""


def _attributes(value: dict[str, Any]) -> dict[str, Any]:
    """An OTLP pair `{key, value: {stringValue}}` as the attribute that it is."""
    if set(value) == {"key", "value"} and isinstance(value["key"], str) and isinstance(value["value"], Mapping):
        return {value["key"]: next(iter(value["value"].values()), None)}
    return value


def _json(text: str) -> Any:
    if not text or text[0] not in "{[" or len(text) > _LONGEST:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
