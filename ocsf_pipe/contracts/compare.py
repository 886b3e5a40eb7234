"""Lists of tools against the lock: what drifted, what is new, what took another's name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ocsf_pipe.contracts.lockfile import Lock
from ocsf_pipe.contracts.sightings import Listing
from ocsf_pipe.contracts.tool import Tool

What = Literal["unapproved_server", "changed_tool", "new_tool", "missing_tool", "shadowed_tool"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was approved.

    `found` and `locked` are the contracts, `parts` those in which they differ, `others` the other servers that have a
    tool of this name; `time` and `event` are those of the first list that shows it.
    """

    what: What
    server: str
    tool: str = ""
    parts: tuple[str, ...] = ()
    found: Tool | None = None
    locked: Tool | None = None
    others: tuple[str, ...] = ()
    time: int | None = None
    event: str | None = None

    def identity(self) -> tuple[str, ...]:
        """What makes it the same difference when it is seen again."""
        if self.what == "shadowed_tool":  # whoever of them came last
            return (self.what, self.tool, *sorted((self.server, *self.others)))
        contract = self.found.contract if self.found is not None else ""
        return (self.what, self.server, self.tool, contract)


def differences(lock: Lock, found: Iterable[Listing]) -> list[Difference]:
    """Return what differs, each thing once, by server and tool."""
    in_order = sorted(found, key=lambda one: one.time or 0)
    each: dict[tuple[str, ...], Difference] = {}
    for one in (*_listed(lock, in_order), *_missing(lock, in_order), *_shadowed(lock, in_order)):
        each.setdefault(one.identity(), one)
    return sorted(each.values(), key=lambda one: (one.server, one.tool, one.what, one.time or 0))


def _listed(lock: Lock, found: Iterable[Listing]) -> Iterator[Difference]:
    for one in found:
        server = lock.servers.get(one.server)
        if server is None:
            yield Difference("unapproved_server", one.server, time=one.time, event=one.event)
            continue
        for tool in one.tools:
            known = server.tools.get(tool.name)
            if known is None:
                yield Difference("new_tool", one.server, tool.name, (), tool, None, (), one.time, one.event)
            elif not known.allows(tool):
                parts = tuple(known.tool.changed(tool))
                yield Difference(
                    "changed_tool", one.server, tool.name, parts, tool, known.tool, (), one.time, one.event
                )


def _missing(lock: Lock, found: Iterable[Listing]) -> Iterator[Difference]:
    """Approved tools that the last complete list of their server no longer has."""
    last = {one.server: one for one in found if one.complete}
    for name, one in last.items():
        server = lock.servers.get(name)
        here = {tool.name for tool in one.tools}
        for tool in sorted(set(server.tools) - here) if server else ():
            locked = server.tools[tool].tool if server else None
            yield Difference("missing_tool", name, tool, (), None, locked, (), one.time, one.event)


def _shadowed(lock: Lock, found: Iterable[Listing]) -> Iterator[Difference]:
    """Names that several MCP servers have: a model that asks for one may get the other."""
    holders: dict[str, dict[str, Listing | None]] = {}
    for one in found:
        for named in one.tools if one.kind == "mcp" else ():
            holders.setdefault(named.name, {}).setdefault(one.server, one)
    for name, server in lock.servers.items():
        for tool in server.tools if server.kind == "mcp" else ():
            holders.setdefault(tool, {}).setdefault(name, None)
    for tool, servers in holders.items():
        if len(servers) > 1 and tool not in lock.shared:
            # The one that nobody approved, or that came last, is the one that took the name.
            name, seen = max(servers.items(), key=lambda pair: (pair[0] not in lock.servers, _time(pair[1])))
            others = tuple(sorted(set(servers) - {name}))
            contract = next((one for one in seen.tools if one.name == tool), None) if seen else None
            at, event = (seen.time, seen.event) if seen else (None, None)
            yield Difference("shadowed_tool", name, tool, (), contract, None, others, at, event)


def _time(one: Listing | None) -> int:
    return -1 if one is None else one.time or 0


def told(one: Difference) -> str:
    """Return a difference in a line, and what changed below it, as a diff."""
    lines = [_headline(one)]
    for part in one.parts:
        before = _lines(one.locked, part)
        after = _lines(one.found, part)
        lines += [
            f"    {line}"
            for line in difflib.unified_diff(before, after, f"{part} (locked)", f"{part} (found)", "", "", 2, "")
        ]
    return "\n".join(lines)


def _headline(one: Difference) -> str:
    whose = f"`{one.tool}` of `{one.server}`"
    return {
        "unapproved_server": f"server `{one.server}` is not approved",
        "changed_tool": f"tool {whose} changed: {', '.join(one.parts)}",
        "new_tool": f"tool {whose} is new",
        "missing_tool": f"tool {whose} is gone",
        "shadowed_tool": f"tool {whose} has the name of a tool of {', '.join(f'`{name}`' for name in one.others)}",
    }[one.what]


def _lines(tool: Tool | None, part: str) -> list[str]:
    if tool is None or part not in tool.definition:
        return []
    value = tool.definition[part]
    text = value if isinstance(value, str) else json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    # What is not to be seen may be what is meant for the model alone.
    return [line.encode("unicode_escape").decode() if not line.isprintable() else line for line in text.splitlines()]
