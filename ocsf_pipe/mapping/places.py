"""Where a piece of a YAML scalar stands in the file: offsets into its value → line and column."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import yaml

from ocsf_pipe.errors import Span


@dataclass(frozen=True, slots=True)
class Places:
    """The place of every character of one plain or block scalar.

    `starts[i]` is the offset at which the i-th source line of the scalar begins in its value; it stands on
    `lines[i]`, from `columns[i]` on (both from 1).
    """

    file: str
    starts: tuple[int, ...]
    lines: tuple[int, ...]
    columns: tuple[int, ...]

    def span(self, at: int, end: int) -> Span:
        """The place of `value[at:end]`; a piece over several lines is shown on its first line."""
        i = max(0, bisect_right(self.starts, at) - 1)
        column = self.columns[i] + at - self.starts[i]
        last = self.starts[i + 1] if i + 1 < len(self.starts) else end
        width = max(1, min(end, last) - at)
        return Span(self.file, self.lines[i], column, column + width)


def places_of(node: yaml.ScalarNode, file: str, source_lines: list[str]) -> Places:
    """Map the value of a scalar back to its lines; quoted scalars map to their opening quote."""
    first = node.start_mark.line
    if node.style in {"|", ">"}:
        return _block(node, file, source_lines)
    rest = source_lines[first + 1 : node.end_mark.line + 1]
    starts, lines, columns = [0], [first + 1], [node.start_mark.column + 1]
    head = source_lines[first][node.start_mark.column :].strip() if rest else node.value
    offset = len(head) + 1
    for i, line in enumerate(rest):
        starts.append(offset)
        lines.append(first + 2 + i)
        columns.append(len(line) - len(line.lstrip()) + 1)
        offset += len(line.strip()) + 1
    return Places(file, tuple(starts), tuple(lines), tuple(columns))


def _block(node: yaml.ScalarNode, file: str, source_lines: list[str]) -> Places:
    """Every line of a block scalar begins where its value resumes; folding keeps one character per line end."""
    starts, lines, columns = [], [], []
    offset = 0
    for number in range(node.start_mark.line + 1, len(source_lines)):
        text = source_lines[number].strip()
        found = node.value.find(text, offset) if text else -1
        if found < 0 or offset >= len(node.value):
            if text:
                break
            continue
        starts.append(found)
        lines.append(number + 1)
        columns.append(len(source_lines[number]) - len(source_lines[number].lstrip()) + 1)
        offset = found + len(text)
    if not starts:
        return Places(file, (0,), (node.start_mark.line + 1,), (node.start_mark.column + 1,))
    return Places(file, tuple(starts), tuple(lines), tuple(columns))
