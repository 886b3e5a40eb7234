"""What runs on a Windows fleet of offices and developers: how often, started by whom, with which command lines.

The programs are those of `process_programs.json`. The weights are shares of process creations: browsers, service hosts,
consoles and build tools are most; shells are a few per cent, administration tools that attackers like too are tenths of
a per cent. They were set without a look at any rule. In a command line `{h}` is eight random hexadecimal digits, `{n}`
a number, `{w}` a word.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAIL = 600
"""Further programs of `Program Files`, each rarer than the one before, that make up the rest."""
TAIL_SHARE = 6.0
_AREAS = ("billing", "portal", "agents", "reports", "mobile", "search", "ledger", "intake")


@dataclass(frozen=True, slots=True)
class Program:
    """A program: its path, its share, what may follow its name, the words for `{w}`, and its usual parents."""

    path: str
    share: float
    lines: tuple[str, ...] = ("",)
    words: tuple[str, ...] = ("",)
    parents: tuple[str, ...] = ("explorer.exe",)
    company: str = "Microsoft Corporation"
    system: bool = False


def programs() -> list[Program]:
    """All programs, the common ones first."""
    rows = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return [*(Program(**{key: _frozen(value) for key, value in row.items()}) for row in rows), *_tail()]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _tail() -> list[Program]:
    """The further programs, with shares that fall as one over their number."""
    whole = sum(1 / number for number in range(1, TAIL + 1))
    return [
        Program(
            f"C:\\Program Files\\Vendor {number % 97}\\App {number}\\app{number}.exe",
            TAIL_SHARE / number / whole,
            ("--session {h}{h} --config C:\\ProgramData\\Vendor\\{w}{n}.json", ""),
            _AREAS,
            company=f"Vendor {number % 97}",
        )
        for number in range(1, TAIL + 1)
    ]
