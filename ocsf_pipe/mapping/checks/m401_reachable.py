"""Every rule can be reached: no earlier rule takes all that it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from ocsf_pipe.errors import Diagnostic, nearest
from ocsf_pipe.mapping.syntax import ApplyExpr, Expr, LiteralExpr, Mapping, PathExpr, Rule
from ocsf_pipe.schema import Schema

Values: TypeAlias = tuple[str, frozenset[object]]


def check(mapping: Mapping, schema: Schema) -> Iterator[Diagnostic]:
    """Complain about rules behind one that takes every record, or every record they ask for."""
    mains: list[Rule] = []
    for rule in mapping.rules:
        if isinstance(rule.when, LiteralExpr) and rule.when.value is False:
            yield Diagnostic("M401", f"`{rule.name}` never holds", rule.span, "take the rule away")
        if rule.also or _not_read(rule, schema):
            continue
        before = next((earlier for earlier in mains if _covers(earlier.when, rule.when)), None)
        if before is not None:
            text = f"`{rule.name}` is never reached: `{before.name}` takes its records"
            yield Diagnostic("M401", text, rule.span, f"move it above `{before.name}`, or narrow that one's `when`")
        mains.append(rule)


def _not_read(rule: Rule, schema: Schema) -> bool:
    """Whether the condition was not understood or its key is misspelt, which is said elsewhere."""
    if isinstance(rule.when, LiteralExpr) and rule.when.value is None:
        return True
    known = schema.classes[rule.class_name].attributes if rule.class_name in schema.classes else {}
    unknown = [entry.path[0] for entry in rule.entries if entry.path[0] not in known]
    return rule.when is None and any(nearest(word, ("when",)) for word in unknown)


def _covers(earlier: Expr | None, later: Expr | None) -> bool:
    """Whether every record of `later` is certainly one of `earlier`."""
    if earlier is None or (isinstance(earlier, LiteralExpr) and earlier.value is True):
        return True
    if later is None:
        return False
    if plain(earlier) == plain(later):
        return True
    if isinstance(later, ApplyExpr) and later.op == "and_":
        return any(_covers(earlier, part) for part in later.args)
    if isinstance(earlier, ApplyExpr) and earlier.op == "or_":
        return any(_covers(part, later) for part in earlier.args)
    asked, taken = _values(later), _values(earlier)
    return asked is not None and taken is not None and asked[0] == taken[0] and asked[1] <= taken[1]


def _values(expr: Expr) -> Values | None:
    """The path and the values that `path = 'x'` or `path in (…)` allows."""
    if not isinstance(expr, ApplyExpr) or expr.op not in {"eq", "in_"} or not isinstance(expr.args[0], PathExpr):
        return None
    values = [arg.value for arg in expr.args[1:] if isinstance(arg, LiteralExpr)]
    if len(values) + 1 != len(expr.args):
        return None
    return plain(expr.args[0]), frozenset(values)


def plain(expr: Expr) -> str:
    """The expression without its places, for comparison."""
    if isinstance(expr, PathExpr):
        return "path " + ".".join(map(repr, expr.steps))
    if isinstance(expr, LiteralExpr):
        return f"literal {expr.value!r}"
    if isinstance(expr, ApplyExpr):
        return f"{expr.op}({', '.join(plain(arg) for arg in expr.args)})"
    return repr(expr)
