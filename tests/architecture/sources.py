"""The Python files of the checkout, parsed once for the tests of the house's rules."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = ("ocsf_pipe", "connectors")
ALL = (*PROGRAM, "tests", "benchmarks")


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method: where it stands (`file:line name`) and how many lines it takes, decorators aside."""

    place: str
    lines: int


@cache
def files(folders: tuple[str, ...] = ALL) -> tuple[Path, ...]:
    """Return every Python file below the folders, in order."""
    return tuple(path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"), str(path))


def short(path: Path) -> str:
    """Return the path from the root of the checkout, as a person would write it."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[Function]:
    """Yield every function of a file; an inner function counts for itself and within its outer one."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield Function(f"{short(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1)
