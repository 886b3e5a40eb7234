"""The lockfile: the servers that are approved, and the contract of each of their tools, to be kept under review."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocsf_pipe.contracts.sightings import Kind, Listing
from ocsf_pipe.contracts.tool import Tool, tool_of
from ocsf_pipe.errors import UsageError

FORM = 1
DEFAULT = "ai-tools.lock.json"


@dataclass(frozen=True, slots=True)
class Pinned:
    """An approved tool; `earlier` are contracts of it that were approved before, or with it."""

    tool: Tool
    earlier: frozenset[str] = frozenset()

    def allows(self, tool: Tool) -> bool:
        """Return whether a contract is approved."""
        return tool.contract == self.tool.contract or tool.contract in self.earlier

    def taking(self, tool: Tool) -> Pinned:
        """Return the pin with another contract as the current one."""
        return Pinned(tool, (self.earlier | {self.tool.contract}) - {tool.contract})


@dataclass(frozen=True, slots=True)
class Server:
    """An approved server and its tools by name."""

    kind: Kind
    tools: Mapping[str, Pinned]


@dataclass(frozen=True, slots=True)
class Lock:
    """What is approved; `shared` are the names that several servers may have."""

    servers: Mapping[str, Server] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()

    def taking(self, found: Iterable[Listing], shared: Iterable[str] = ()) -> Lock:
        """Return the lock with everything in some lists approved as well, later lists before earlier ones.

        Contracts that were approved before stay approved, for a lake holds what was: `earlier`. A tool that a complete
        list lacks is taken out.
        """
        servers = dict(self.servers)
        for one in sorted(found, key=lambda one: one.time or 0):
            known = servers[one.server].tools if one.server in servers else {}
            pins = {
                tool.name: known[tool.name].taking(tool) if tool.name in known else Pinned(tool) for tool in one.tools
            }
            servers[one.server] = Server(one.kind, pins if one.complete else {**known, **pins})
        return Lock(servers, self.shared | frozenset(shared))


def load(path: Path) -> Lock:
    """Read a lockfile; raises UsageError where it is none, or a contract in it does not fit its hash."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["version"] != FORM:
            raise UsageError(
                f"`{path}` is of version {value['version']}, this program reads {FORM}", "use a newer program"
            )
        servers = {name: _server(path, name, one) for name, one in value["servers"].items()}
        return Lock(servers, frozenset(value.get("shared_names", ())))
    except FileNotFoundError:
        raise UsageError(f"there is no lockfile `{path}`", "make one with `ocsf-pipe ai tools lock`") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"`{path}` is no lockfile of tools: {error}", "make it anew") from error


def _server(path: Path, name: str, value: Any) -> Server:
    tools = {}
    for tool_name, told in value["tools"].items():
        tool = tool_of({"name": tool_name, **told["definition"]})
        if tool is None or f"sha256:{tool.contract}" != told["contract"]:
            raise UsageError(
                f"`{path}`: the contract of `{tool_name}` of `{name}` does not fit its hash",
                "a lockfile is not written by hand: take the change back, or lock the server anew",
            )
        tools[tool_name] = Pinned(tool, frozenset(one.removeprefix("sha256:") for one in told.get("earlier", ())))
    return Server("function" if value["kind"] == "function" else "mcp", tools)


def dump(lock: Lock) -> str:
    """Return a lock as the text of its file: sorted, so that a review shows what changed and nothing else."""
    servers = {
        name: {"kind": server.kind, "tools": {tool: _told(one) for tool, one in sorted(server.tools.items())}}
        for name, server in sorted(lock.servers.items())
    }
    whole: dict[str, Any] = {"version": FORM, "servers": servers}
    if lock.shared:
        whole["shared_names"] = sorted(lock.shared)
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _told(pin: Pinned) -> dict[str, Any]:
    definition = {name: part for name, part in pin.tool.definition.items() if name != "name"}
    told = {"contract": f"sha256:{pin.tool.contract}", "definition": definition}
    return told | ({"earlier": [f"sha256:{one}" for one in sorted(pin.earlier)]} if pin.earlier else {})
