"""Complaints about a pipeline file as they are shown: in its own words, and with nothing secret in the lines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import yaml

from ocsf_pipe.errors import Diagnostic, PipelineError
from ocsf_pipe.mapping.limits import MAX_CHARACTERS, MAX_DEPTH
from ocsf_pipe.mapping.reader import Reader

# What the reader of YAML says of mappings, said of pipelines.
_WORDS = {
    f"a mapping has at most {MAX_CHARACTERS}": f"a pipeline file has at most {MAX_CHARACTERS}",
    "keep one mapping in a file": "keep one pipeline in a file",
    "see `ocsf-pipe mapping new`": "write `pipeline: NAME` on its first line; docs/pipeline.md goes on from there",
    "split it into mappings of one product each": "split it into pipelines of fewer sources each",
    "name parts of it under `let`": f"no setting needs more than {MAX_DEPTH} levels",
    "write the parts out, or name them under `let`": "write the parts out",
}
SECRETIVE = re.compile(r"pass(?:word|wd|phrase)?|secret|token|credential|api_?key|private_?key|sasl", re.IGNORECASE)
_SECRETIVE_LINE = re.compile(rf"([\w-]*(?:{SECRETIVE.pattern})[\w-]*[\"']?\s*:\s*)([^\s{{].*)", re.IGNORECASE)


@dataclass(slots=True)
class Complaints:
    """Everything that is wrong with one file, gathered while it is read; what `hidden` nodes hold is not shown."""

    reader: Reader
    others: list[tuple[Diagnostic, str]] = field(default_factory=list)
    hidden: list[yaml.Node] = field(default_factory=list)

    def add(self, code: str, message: str, node: yaml.Node, hint: str | None) -> None:
        """Note one complaint at a node."""
        self.reader.complain(code, message, self.reader.span(node), hint)

    def hide(self, node: yaml.Node) -> None:
        """Let no line that is shown hold what this node holds."""
        self.hidden.append(node)

    def of_another_file(self, found: Iterable[Diagnostic], source: str) -> None:
        """Pass on what is wrong with a file that this one names."""
        self.others += [(complaint, source) for complaint in found]

    def raise_if_any(self) -> None:
        """Raise PipelineError where something is wrong: the file's own complaints by line, then those of others."""
        own = sorted({ours(complaint): None for complaint in self.reader.complaints}, key=_place)
        if not own and not self.others:
            return
        unread = any(complaint.code in {"P101", "P107"} for complaint in own)
        source = blotted(self.reader.source) if unread else self.without_secrets()
        shown = [complaint.render(source) for complaint in own]
        shown += [complaint.render(text) for complaint, text in self.others]
        raise PipelineError((*own, *(complaint for complaint, _ in self.others)), "\n".join(shown))

    def without_secrets(self) -> str:
        """The text of the file with every hidden value as asterisks, each line as long as it was."""
        lines = self.reader.source.splitlines()
        for node in self.hidden:
            first, last = node.start_mark, node.end_mark
            for number in range(first.line, min(last.line + 1, len(lines))):
                line = lines[number]
                begin = first.column if number == first.line else 0
                end = last.column if number == last.line else len(line)
                lines[number] = line[:begin] + "*" * (end - begin) + line[end:]
        return "\n".join(lines)


def blotted(source: str) -> str:
    """A text that could not be read, with whatever follows a word like `password:` as asterisks."""
    return "\n".join(
        _SECRETIVE_LINE.sub(lambda found: found[1] + "*" * len(found[2]), line) for line in source.splitlines()
    )


def ours(complaint: Diagnostic) -> Diagnostic:
    """A complaint of the YAML reader as one about a pipeline file."""
    if not complaint.code.startswith("M"):
        return complaint
    message, hint = complaint.message, complaint.hint
    for theirs, words in _WORDS.items():
        message = message.replace(theirs, words)
        hint = words if hint == theirs else hint
    return replace(complaint, code="P" + complaint.code[1:], message=message, hint=hint)


def _place(complaint: Diagnostic) -> tuple[int, int]:
    return (complaint.span.line, complaint.span.column) if complaint.span else (0, 0)
