"""`rule.sql`: a comment that says in YAML what the rule is, and a query that gives a row for each finding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

import duckdb
import yaml

from ocsf_pipe.detect.marked import Marked

KEYS = "title id description level status tags references falsepositives author date modified reads".split()
LEVELS = ("informational", "low", "medium", "high", "critical")
STATUSES = ("stable", "test", "experimental", "deprecated", "unsupported")
_HEADER = re.compile(r"\s*/\*(.*?)\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Query:
    """The text of a rule in SQL, and the views that it reads."""

    sql: str
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """What the comment of a rule says."""

    title: str
    id: str
    level: str
    status: str
    tags: tuple[str, ...]
    description: str
    references: tuple[str, ...]
    falsepositives: tuple[str, ...]
    reads: tuple[str, ...]


def query_of(text: str, marked: Marked) -> tuple[Header, Query] | None:
    """Read a rule in SQL; None, with faults of `marked`, where it is none."""
    found = _HEADER.match(text)
    if found is None:
        marked.faults.append(f"{marked.file}:1:1: begin with a comment `/* title: … */` that says what the rule is")
        return None
    marked.offset = text[: found.start(1)].count("\n")
    root = marked.root(found[1])
    if root is None:
        marked.faults += [] if marked.faults else [f"{marked.file}:1:1: the comment says nothing of the rule"]
        return None
    header = _header(marked, root)
    query = Query(text[found.end() :].strip().rstrip(";").strip(), header.reads)
    problem = statement_problem(query.sql)
    if problem is not None:
        line = text[: found.end()].count("\n") + 1
        marked.faults.append(f"{marked.file}:{line}:1: {problem}")
    return None if marked.faults else (header, query)


def _header(marked: Marked, root: yaml.Node) -> Header:
    found = marked.known(root, "the comment", KEYS)
    for key in ("title", "id", "level", "reads"):
        if key not in found:
            marked.fault(root, f"`{key}` is missing in the comment")

    def text(key: str) -> str:
        return marked.text(found[key], f"`{key}`") if key in found else ""

    def texts(key: str) -> tuple[str, ...]:
        return marked.texts(found[key], f"`{key}`") if key in found else ()

    for key, words in (("level", LEVELS), ("status", STATUSES)):
        if key in found and text(key) not in words:
            marked.fault(found[key], f"`{key}` is one of {', '.join(words)}")
    if "id" in found and not _is_uuid(text("id")):
        marked.fault(found["id"], "`id` must be a UUID, which stays the rule's own for ever")
    return Header(
        title=text("title"),
        id=text("id"),
        level=text("level"),
        status=text("status"),
        tags=tuple(tag.lower() for tag in texts("tags")),
        description=text("description"),
        references=texts("references"),
        falsepositives=texts("falsepositives"),
        reads=texts("reads"),
    )


def statement_problem(sql: str) -> str | None:
    """Why a text is not one reading statement; None where it is."""
    if not sql:
        return "there is no query behind the comment"
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        return "a rule is one `select` statement"
    return None


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
