"""Folders are phases and files are things; nothing is named after having no name."""

import ast
from pathlib import Path
from typing import TypeGuard

import pytest

from tests.architecture.sources import ALL, PROGRAM, ROOT, files, short, tree

NAMELESS = {
    "base",
    "common",
    "core",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "shared",
    "stuff",
    "util",
    "utils",
}


def test_no_module_is_named_after_having_no_name() -> None:
    """`utils` says that nobody asked what the thing is."""
    named = [short(path) for path in files(ALL) if NAMELESS & {*path.relative_to(ROOT).with_suffix("").parts}]
    assert named == []


@pytest.mark.parametrize("path", files(PROGRAM), ids=short)
def test_every_module_and_public_name_states_its_contract(path: Path) -> None:
    """The first line of a docstring is one sentence that ends on its line."""
    module = tree(path)
    public: list[ast.Module | ast.FunctionDef | ast.ClassDef] = [module]
    public += [node for node in module.body if _is_public(node)]
    lines = {getattr(node, "name", "module"): (ast.get_docstring(node) or "").split("\n")[0] for node in public}
    assert {name for name, line in lines.items() if not line.rstrip().endswith((".", "?", "!", ":"))} == set()


def _is_public(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.ClassDef]:
    return isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
