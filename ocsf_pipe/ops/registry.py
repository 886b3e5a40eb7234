"""What an op is, how one is declared, and the table of all of them.

An op is one file of this folder that declares one function, named as the file:

    @op(takes=(TEXT,), gives=INTEGER, fails=True, examples=[Example(("443",), 443), …])
    def to_port(value: str) -> int | None:      # the Python form: what the op means
        '''Read a TCP or UDP port; null when it is not 0-65535.'''

    @to_port.sql
    def _sql(value: str) -> str:                # the SQL form: SQL text of the arguments in, SQL text out
        return …

Declaring an op that lacks its documentation, its examples or its SQL form raises TypeError when it is imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ocsf_pipe.ops.sql_text import cast_null, sql_type
from ocsf_pipe.ops.types import Type

Value: TypeAlias = Any
"""None, str (text, ip, json), int (integer, timestamp), float, bool, list or dict."""
Takes: TypeAlias = Type | tuple[Type, ...]
Gives: TypeAlias = Type | Callable[[tuple[Type, ...]], Type | None]
SqlForm: TypeAlias = Callable[..., str]

_FUNCTION_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Example:
    """One use of an op: arguments as Python values and what they give; `types` where the values leave them open."""

    args: tuple[Value, ...]
    gives: Value
    note: str = ""
    types: tuple[Type, ...] = ()


@dataclass(frozen=True, slots=True)
class Op:
    """One word of the vocabulary, in two forms that mean the same: `python` defines it, `sql_form` is DuckDB's.

    `takes` names a type, or a tuple of types to choose from, for each argument; the last `optional` of them may be
    left out, and the last repeats when `variadic`. `gives` is a type or a function of the argument types, which
    returns None for types that do not go together. `strict`: a null argument gives null without asking either form.
    `fails`: null out of non-null arguments means that the value failed to convert. `constant` lists the positions
    that must be literals; `complaint(*constants)`, given those (None elsewhere), says what is wrong with one. `typed`:
    both forms take the keyword `types`. `document`: the first argument is a JSON document, whether the source holds
    it as JSON or as text. `inverse` tells Sigma what a condition on the result says of the argument.
    """

    name: str
    doc: str
    python: Callable[..., Value]
    takes: tuple[Takes, ...]
    gives: Gives
    examples: tuple[Example, ...]
    fails: bool = False
    strict: bool = True
    optional: int = 0
    variadic: bool = False
    constant: tuple[int, ...] = ()
    complaint: Callable[..., str | None] | None = None
    typed: bool = False
    operator: bool = False
    document: bool = False
    inverse: str | None = None
    sql_form: SqlForm | None = None

    def sql(self, form: SqlForm) -> SqlForm:
        """Declare the SQL form; used once, as a decorator, under the Python form."""
        if self.sql_form is not None:
            raise TypeError(f"op `{self.name}` has two SQL forms")
        object.__setattr__(self, "sql_form", form)  # the one moment at which an op is not finished
        return form

    def accepts(self, types: Sequence[Type]) -> bool:
        """Whether the op can be called with arguments of these types."""
        return self._fits(types) and (isinstance(self.gives, Type) or self.gives(tuple(types)) is not None)

    def result(self, types: Sequence[Type]) -> Type:
        """The type that a call with these argument types has; raises TypeError when `accepts` says no."""
        gives = self.gives if isinstance(self.gives, Type) else self.gives(tuple(types))
        if gives is None or not self._fits(types):
            raise TypeError(f"`{self.name}` does not take ({', '.join(map(str, types))})")
        return gives

    def call(self, args: Sequence[Value], types: Sequence[Type]) -> Value:
        """The value that the Python form gives for non-constant `args` of these types; never raises for a value."""
        if self.strict and any(arg is None for arg in args):
            return None
        floats = [_widened(arg, self.taken(i), kind) for i, (arg, kind) in enumerate(zip(args, types, strict=True))]
        value = self.python(*floats, types=tuple(types)) if self.typed else self.python(*floats)
        return float(value) if type(value) is int and self.result(types).kind == "float" else value

    def to_sql(self, args: Sequence[str], types: Sequence[Type]) -> str:
        """DuckDB's expression for a call, given the expressions of its arguments; safe to put inside any other."""
        if self.sql_form is None:
            raise TypeError(f"op `{self.name}` has no SQL form")
        if self.strict and any(kind.kind == "null" for kind in types):
            return cast_null(self.result(types))
        texts = [self._argument(i, arg, kind) for i, (arg, kind) in enumerate(zip(args, types, strict=True))]
        return f"({self.sql_form(*texts, types=tuple(types)) if self.typed else self.sql_form(*texts)})"

    def taken(self, position: int) -> tuple[Type, ...]:
        """The types that the argument at `position` (from 0) may have."""
        takes = self.takes[min(position, len(self.takes) - 1)]
        return (takes,) if isinstance(takes, Type) else takes

    @property
    def arity(self) -> tuple[int, int | None]:
        """The fewest and the most arguments; None for no limit."""
        return len(self.takes) - self.optional, None if self.variadic else len(self.takes)

    def _fits(self, types: Sequence[Type]) -> bool:
        least, most = self.arity
        if len(types) < least or (most is not None and len(types) > most):
            return False
        return all(any(fits(kind, want) for want in self.taken(i)) for i, kind in enumerate(types))

    def _argument(self, position: int, text: str, kind: Type) -> str:
        taken = self.taken(position)
        if kind.kind == "null" and taken[0].kind not in ("any", "object", "list"):
            return cast_null(taken[0])
        return f"cast({text} as double)" if _widens(taken, kind) else text


def op(
    *,
    takes: tuple[Takes, ...],
    gives: Gives,
    examples: Sequence[Example],
    **facts: Any,
) -> Callable[[Callable[..., Value]], Op]:
    """Declare the decorated function as the Python form of the op of that name; `facts` are further fields of Op."""

    def declare(python: Callable[..., Value]) -> Op:
        name, doc = python.__name__, " ".join((python.__doc__ or "").split())
        if not re.match(r"[A-Z0-9`].*[.]", doc):
            raise TypeError(f"op `{name}` has no sentence of documentation")
        if len(examples) < _FUNCTION_EXAMPLES or all(None not in (e.gives, *e.args) for e in examples):
            raise TypeError(f"op `{name}` needs three examples, one of them with a null")
        return Op(name, doc, python, takes, gives, tuple(examples), **facts)

    return declare


def fits(kind: Type, want: Type) -> bool:
    """Whether a value of type `kind` can stand where `want` is taken: addresses and JSON are text, integers floats."""
    if want.kind == "any" or kind.kind == "null":
        return True
    if want.kind == "text":
        return kind.kind in ("text", "ip", "json")
    if want.kind == "float":
        return kind.kind in ("float", "integer")
    if want.kind == "list":
        return kind.kind == "list" and want.item is not None and fits(kind.item or want.item, want.item)
    if want.kind == "object" and not want.fields:
        return kind.kind == "object"
    return kind == want


def common_type(types: Sequence[Type]) -> Type | None:
    """The type that values of all these types have together; None when there is none. Nulls fit anything."""
    kinds = [kind for kind in types if kind.kind != "null"]
    if not kinds:
        return types[0] if types else None
    for want in (kinds[0], Type("text"), Type("float")):
        if all(fits(kind, want) for kind in kinds):
            return want
    return None


def _widens(taken: tuple[Type, ...], kind: Type) -> bool:
    return kind.kind == "integer" and any(t.kind == "float" for t in taken) and all(t.kind != "integer" for t in taken)


def _widened(value: Value, taken: tuple[Type, ...], kind: Type) -> Value:
    return float(value) if value is not None and _widens(taken, kind) else value


__all__ = ["Example", "Op", "SqlForm", "Type", "Value", "common_type", "fits", "op", "sql_type"]
