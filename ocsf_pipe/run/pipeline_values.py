"""The kinds of values that a pipeline file has: names, times, sizes, words, addresses; each with its complaint."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import yaml

from ocsf_pipe.errors import did_you_mean
from ocsf_pipe.mapping.reader import NULLS
from ocsf_pipe.run.pipeline_complaints import Complaints

NAME = r"[a-z0-9][a-z0-9_.-]{0,62}"
DURATION = r"\d{1,9}(\.\d{1,3})?(ms|s|m|h|d)?"
SIZE = r"\d{1,15}(KB|MB|GB|KiB|MiB|GiB)?"
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}
_BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "": 1}
NEVER = "never"
T = TypeVar("T")


def name_of(said: Complaints, node: yaml.Node, what: str, taken: Sequence[str] = ()) -> str:
    """A name that is safe in paths, tables and labels; `taken` are those that mean something else already."""
    text = said.reader.text(node, what)
    if isinstance(node, yaml.ScalarNode) and not re.fullmatch(NAME, text):
        hint = "lower-case letters and digits, then also `_`, `-` and `.`; 63 characters at most"
        said.add("P106", f"`{_short(text)}` cannot be the name of {what}", node, hint)
    elif text in taken:
        hint = "its batches would be taken for those of that command: choose another name"
        said.add("P106", f"`{text}` is what `ocsf-pipe {text}` calls itself in the lake", node, hint)
    return text


def seconds_of(said: Complaints, node: yaml.Node, what: str, least: float = 0.0) -> float:
    """A time span such as `5s`, `1.5h` or `7d`; a number without a unit is seconds."""
    text = said.reader.text(node, what)
    found = re.fullmatch(DURATION, text)
    if found is None:
        if isinstance(node, yaml.ScalarNode):
            said.add(
                "P104", f"{what} must be a time span, got `{_short(text)}`", node, "write `30s`, `5m`, `1h` or `7d`"
            )
        return max(least, 1.0)
    unit = found[2] or ""
    seconds = float(text.removesuffix(unit)) * _SECONDS[unit]
    if seconds < least:
        said.add("P104", f"{what} must be {least:g}s at least, got `{text}`", node, f"write `{least:g}s` or more")
    return seconds


def period_of(said: Complaints, node: yaml.Node, what: str) -> float | None:
    """A time span of a second at least, or `never`."""
    if isinstance(node, yaml.ScalarNode) and node.value == NEVER:
        return None
    return seconds_of(said, node, what, 1.0)


def days_of(said: Complaints, node: yaml.Node, what: str) -> int:
    """A whole number of days, such as `365d`; a number without a unit is days here."""
    text = said.reader.text(node, what)
    if re.fullmatch(r"[1-9]\d{0,5}d?", text):
        return int(text.removesuffix("d"))
    if isinstance(node, yaml.ScalarNode):
        said.add("P104", f"{what} must be whole days, got `{_short(text)}`", node, "write `365d`")
    return 1


def bytes_of(said: Complaints, node: yaml.Node, what: str, least: int, most: int) -> int:
    """A size such as `40MiB`; a number without a unit is bytes."""
    text = said.reader.text(node, what)
    found = re.fullmatch(SIZE, text)
    if found is None:
        if isinstance(node, yaml.ScalarNode):
            said.add("P104", f"{what} must be a size, got `{_short(text)}`", node, "write `40MiB` or a number of bytes")
        return least
    unit = found[1] or ""
    size = int(text.removesuffix(unit)) * _BYTES[unit]
    if not least <= size <= most:
        hint = f"write a size from {least >> 10}KiB to {most >> 20}MiB"
        said.add("P104", f"{what} must be from {least} to {most} bytes, got {size}", node, hint)
    return size


def whole_of(said: Complaints, node: yaml.Node, what: str, least: int, most: int) -> int:
    """A whole number within bounds."""
    text = said.reader.text(node, what)
    if re.fullmatch(r"\d{1,9}", text) and least <= int(text) <= most:
        return int(text)
    if isinstance(node, yaml.ScalarNode):
        fact = f"{what} must be a whole number from {least} to {most}, got `{_short(text)}`"
        said.add("P104", fact, node, f"write `{least}`")
    return least


def word_of(said: Complaints, node: yaml.Node, what: str, words: Sequence[Any]) -> Any:
    """One of some words; the first of them where it is none."""
    text = said.reader.text(node, what)
    if text in words:
        return text
    if isinstance(node, yaml.ScalarNode):
        hint = did_you_mean(text, words) or "one of: " + ", ".join(words)
        said.add("P104", f"{what} cannot be `{_short(text)}`", node, hint)
    return words[0]


def text_of(said: Complaints, node: yaml.Node, what: str) -> str:
    """A text that is not empty."""
    text = said.reader.text(node, what)
    if isinstance(node, yaml.ScalarNode) and (not text.strip() or (not node.style and text in NULLS)):
        said.add("P104", f"{what} is empty", node, "write a value behind the colon")
        return ""
    return text


def address_of(said: Complaints, node: yaml.Node, what: str) -> tuple[str, int]:
    """A host and a port, such as `127.0.0.1:9464`, `[::1]:9464` or `localhost:9464`; port 0 is any that is free."""
    text = said.reader.text(node, what)
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})", text)
    if found is not None and int(found[2]) < 65536:
        return found[1].strip("[]"), int(found[2])
    if isinstance(node, yaml.ScalarNode):
        said.add("P104", f"{what} must be host:port, got `{_short(text)}`", node, "write `127.0.0.1:9464`")
    return "127.0.0.1", 0


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}…"
