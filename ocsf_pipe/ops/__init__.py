"""The vocabulary of the mapping language: one op, one file, in a Python form that defines it and a SQL form.

`OPS` maps the name of every op to its `Op`; the files are imported when it is first read. An author writes the
functions by name, and these operators, whose ops are named so:

    =  eq      !=  ne     <  lt     <=  le     >  gt     >=  ge     in  in_     like  like
    and  and_  or  or_    not  not_    is null  is_null    is not null  is_not_null    case  when
    ||  concat_op    +  add    -  sub    *  mul    /  div    %  mod    - (one sided)  neg

`x in (a, b)` is `in_(x, a, b)`; `not in` and `not like` are `not_` around it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from ocsf_pipe.ops.registry import Example, Op, Value, common_type, fits, op
from ocsf_pipe.ops.sql_text import literal, name_text, sql_type, text_literal
from ocsf_pipe.ops.types import Type

__all__ = [
    "OPERATORS", "OPS", "Example", "Op", "Type", "Value", "common_type", "fits", "literal", "name_text", "op",
    "sql_type", "text_literal",
]  # fmt: skip

_DECLARES = b"\n@op("  # what tells an op from the files that ops share

OPERATORS: Mapping[str, str] = {
    "=": "eq", "!=": "ne", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "in": "in_", "like": "like",
    "and": "and_", "or": "or_", "not": "not_", "is null": "is_null", "is not null": "is_not_null",
    "||": "concat_op", "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "unary -": "neg",
}  # fmt: skip


class _Vocabulary(Mapping[str, Op]):
    """Every op of this folder by name; a file is imported when its op is asked for, all of them by iteration."""

    def __init__(self) -> None:
        self._names = tuple(sorted(file.stem for file in _files() if _DECLARES in file.read_bytes()))
        self._loaded: dict[str, Op] = {}

    def __getitem__(self, name: str) -> Op:
        if name not in self._loaded:
            if name not in self._names:
                raise KeyError(name)
            self._loaded[name] = _load(name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _files() -> Iterator[Path]:
    """The Python files of this folder but for this one."""
    return (file for file in Path(__file__).parent.glob("*.py") if file.name != "__init__.py")


def _load(name: str) -> Op:
    """Import one file and return the op in it; raises TypeError when the file is not a complete op."""
    found = getattr(importlib.import_module(f"{__name__}.{name}"), name, None)
    if not isinstance(found, Op) or found.name != name:
        raise TypeError(f"ops/{name}.py does not declare the op `{name}`")
    if found.sql_form is None:
        raise TypeError(f"op `{name}` has no SQL form")
    return found


OPS: Mapping[str, Op] = _Vocabulary()
