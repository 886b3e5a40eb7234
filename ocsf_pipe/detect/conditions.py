"""pySigma's condition → our tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

from ocsf_pipe.detect.tree import (
    FALSE,
    And,
    Cidr,
    Compare,
    Exists,
    FieldRef,
    Leaf,
    Not,
    Null,
    Number,
    Or,
    Pattern,
    Regex,
    Test,
    TimePart,
    Tree,
    Wild,
)

_SIGNS = {
    CompareOperators.LT: "<", CompareOperators.LTE: "<=", CompareOperators.GT: ">", CompareOperators.GTE: ">=",
    CompareOperators.NEQ: "<>",
}  # fmt: skip
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_MANY, _ONE = Wild(), Wild(many=False)


class Unsupported(Exception):  # noqa: N818 - it becomes the `fault` of a rule
    """A rule says something that has no meaning here."""


class _Unfilled(Exception):  # noqa: N818 - caught two functions further up
    """A placeholder without values."""


def tree_of(condition: object, placeholders: Mapping[str, Sequence[str]]) -> Tree:
    """The tree of a parsed condition; raises Unsupported for values of a kind that is not known.

    A value with a placeholder that has no values matches nothing.
    """
    match condition:
        case ConditionAND(args=args):
            return And(tuple(tree_of(arg, placeholders) for arg in args))
        case ConditionOR(args=args):
            return Or(tuple(tree_of(arg, placeholders) for arg in args))
        case ConditionNOT(args=args):
            return Not(tree_of(args[0], placeholders))
        case ConditionFieldEqualsValueExpression(field=field, value=value):
            return _leaf(field, value, placeholders)
        case ConditionValueExpression(value=value):
            return _leaf(None, value, placeholders)
        case _:
            raise Unsupported(f"a condition of the kind {type(condition).__name__}")


def _leaf(field: str | None, value: object, placeholders: Mapping[str, Sequence[str]]) -> Tree:
    if isinstance(value, SigmaExpansion):
        return _any([_leaf(field, one, placeholders) for one in value.values])
    if isinstance(value, SigmaString | SigmaRegularExpression) and value.contains_placeholder():
        filled = value.replace_placeholders(lambda one: iter(_filled(one, placeholders)))
        return _any([_leaf(field, one, placeholders) for one in filled])
    test = test_of(value)
    if field is None and not isinstance(test, Pattern | Regex | Number):
        raise Unsupported(f"a keyword cannot be tested by {type(test).__name__.lower()}")
    return Leaf(field, test)


def _any(trees: Sequence[Tree]) -> Tree:
    return trees[0] if len(trees) == 1 else Or(tuple(trees)) if trees else FALSE


def _filled(placeholder: Placeholder, placeholders: Mapping[str, Sequence[str]]) -> list[SigmaString]:
    return [SigmaString(str(value)) for value in placeholders.get(placeholder.name, ())]


def test_of(value: object) -> Test:
    """The test that a Sigma value is."""
    match value:
        case SigmaString():
            return Pattern(_parts(value), isinstance(value, SigmaCasedString))
        case SigmaTimestampPart():
            return TimePart(value.timestamp_part.name.lower(), int(value.number))  # type: ignore[arg-type]
        case SigmaBool(boolean=boolean):
            return Pattern(("true" if boolean else "false",))
        case SigmaNumber(number=number):
            return Number(number)
        case SigmaNull():
            return Null()
        case SigmaExists(exists=exists):
            return Exists(exists)
        case SigmaRegularExpression():
            return Regex(str(value.regexp), "".join(sorted(_FLAGS[flag] for flag in value.flags)))
        case SigmaCIDRExpression():
            return Cidr(str(value.network))
        case SigmaCompareExpression(number=number, op=op):
            return Compare(_SIGNS[op], number.number)  # type: ignore[arg-type]
        case SigmaFieldReference(field=field, starts_with=starts, ends_with=ends):
            return FieldRef(field, bool(starts), bool(ends))
        case _:
            raise Unsupported(f"a value of the kind {type(value).__name__}")


def _parts(value: SigmaString) -> tuple[str | Wild, ...]:
    parts: list[str | Wild] = []
    for part in value.s:
        if isinstance(part, str):
            if not part:
                continue
            if parts and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
        elif part is SpecialChars.WILDCARD_SINGLE:
            parts.append(_ONE)
        elif not parts or parts[-1] != _MANY:
            parts.append(_MANY)
    return tuple(parts)
