"""A text that stands in everything that a regular expression matches."""

from __future__ import annotations

import re

_PIECE = re.compile(
    r"(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<any>\\[dDwWsSbBAz]|[.^$])|\\(?P<escaped>[^a-zA-Z0-9])"
    r"|(?P<other>\\.)|(?P<open>\()|(?P<close>\))|(?P<or>\|)|(?P<plain>.)",
    re.DOTALL,
)
_REPEAT = re.compile(r"[*+?]|\{(?P<least>[0-9]+)(?:,[0-9]*)?\}")
_FLAGS = re.compile(r"\(\?[a-z]+\)")
_FOLDED = re.compile(r"[^ks]+")


def required(pattern: str, flags: str = "") -> str:
    """The longest text, in lower case, that every match contains in some letter case; empty where none is known.

    Of a pattern that ignores letter case, `k` and `s` are left out: two letters beyond ASCII pass for them.
    """
    start = _FLAGS.match(pattern)
    if _FLAGS.search(pattern, start.end() if start else 0):
        return ""
    folds = "i" in flags or (start is not None and "i" in start[0])
    runs = _runs(pattern[start.end() :] if start else pattern)
    texts = [run.lower() for run in runs if run.isascii()]
    if folds:
        texts = [part for text in texts for part in _FOLDED.findall(text)]
    return max(texts, key=len, default="")


def _runs(pattern: str) -> list[str]:
    """The literals in a row outside of all groups; none where the whole is a choice."""
    runs, run, depth, at = [], "", 0, 0
    while at < len(pattern):
        found = _PIECE.match(pattern, at)
        if found is None or found["other"] or (found["or"] and not depth):
            return []
        at = found.end()
        depth += bool(found["open"]) - bool(found["close"])
        char = "" if depth else found["escaped"] or found["plain"] or ""
        repeat = _REPEAT.match(pattern, at)
        if repeat is not None:
            at = repeat.end() + pattern.startswith("?", repeat.end())
            char = char if repeat[0] == "+" or int(repeat["least"] or 0) else ""
        run += char
        if not char or repeat is not None:
            runs.append(run)
            run = ""
    return [*runs, run]
