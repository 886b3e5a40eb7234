"""Expression text → tree: what binds how tight, and where every part stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsf_pipe.errors import Span
from ocsf_pipe.mapping.expression import heads, parse_expression, parse_path
from ocsf_pipe.mapping.syntax import ApplyExpr, CaseExpr, Expr, FollowExpr, LiteralExpr, PathExpr
from ocsf_pipe.mapping.tokens import ExpressionError


def _at(start: int, end: int) -> Span:
    return Span("f", 1, start + 1, end + 1)


def shown(expr: Expr) -> str:
    """The tree with every pair of parentheses written out."""
    match expr:
        case LiteralExpr(value=value):
            return repr(value)
        case PathExpr(steps=steps):
            return ".".join(map(str, steps))
        case FollowExpr(of=of, steps=steps):
            return f"{shown(of)}->{'.'.join(map(str, steps))}"
        case CaseExpr(subject=subject, arms=arms, otherwise=otherwise):
            head = shown(subject) if subject is not None else ""
            tail = shown(otherwise) if otherwise is not None else ""
            return f"case({head}; {', '.join(f'{shown(c)}: {shown(v)}' for c, v in arms)}; {tail})"
        case ApplyExpr(op=op, args=args):
            return f"{op}({', '.join(map(shown, args))})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a or b and not c", "or_(a, and_(b, not_(c)))"),
        ("not a = b", "not_(eq(a, b))"),
        ("not not a", "not_(not_(a))"),
        ("a = b and c <> d", "and_(eq(a, b), ne(c, d))"),
        ("a || b = c || d", "eq(concat_op(a, b), concat_op(c, d))"),
        ("a || b + c", "concat_op(a, add(b, c))"),
        ("a - b - c", "sub(sub(a, b), c)"),
        ("a - b * c % d / e", "sub(a, div(mod(mul(b, c), d), e))"),
        ("-a * b", "mul(neg(a), b)"),
        ("- 3", "-3"),
        ("a - -3", "sub(a, -3)"),
        ("--a", "neg(neg(a))"),
        ("(a or b) and c", "and_(or_(a, b), c)"),
        ("a is null or b is not null", "or_(is_null(a), is_not_null(b))"),
        ("a in ('x', 'y') and b not in (1)", "and_(in_(a, 'x', 'y'), not_(in_(b, 1)))"),
        ("a not like 'x%' || y", "not_(like(a, concat_op('x%', y)))"),
        ("a between 1 and 2 and b", "and_(and_(ge(a, 1), le(a, 2)), b)"),
        ("a not between 1 and 2", "not_(and_(ge(a, 1), le(a, 2)))"),
        ("case a when 1 then 'x' else b end", "case(a; 1: 'x'; b)"),
        ("CASE WHEN a THEN b END", "case(; a: b; )"),
        ("'it''s' || \"k\"\"q\"", 'concat_op("it\'s", k"q)'),
        ("f(a, g())", "f(a, g())"),
        ('f(a).b[0]."c d"[*]', "f(a)->b.[0].c d.[*]"),
        ("(a).b", "a->b"),
        ("a.end.case.null", "a.end.case.null"),
        ("true and FALSE or Null", "or_(and_(True, False), None)"),
        ("1.5e3 + 12", "add(1500.0, 12)"),
        ("@timestamp", "@timestamp"),
    ],
)
def test_operators_bind_as_in_sql(text: str, tree: str) -> None:
    """The loosest first: or, and, not, comparisons, ||, + -, * / %, unary minus."""
    assert shown(parse_expression(text, _at)) == tree


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("a =", 3, "expected a value, got the end"),
        ("a b", 2, "expected an operator or the end, got `b`"),
        ("f(a", 3, "expected `)`, got the end"),
        ("case when a then b", 18, "expected `end`, got the end"),
        ("case a end", 7, "expected `when`, got `end`"),
        ("a not b", 6, "expected `in`, `like` or `between`, got `b`"),
        ("a[x]", 2, "expected `*` or a number, got `x`"),
        ("a.", 2, "expected a name, got the end"),
        ("a ; b", 2, "`;` cannot stand here"),
        ("", 0, "expected a value, got the end"),
    ],
)
def test_a_mistake_is_found_where_it_stands(text: str, at: int, message: str) -> None:
    """The offset is that of the first word that does not fit."""
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text, _at)
    assert (str(caught.value), caught.value.at) == (message, at)


def test_every_part_knows_its_place() -> None:
    """An operator's from its left to its right side, a call's is its name."""
    expr = parse_expression("a + lower(b.c)", _at)
    assert isinstance(expr, ApplyExpr)
    assert expr.span == Span("f", 1, 1, 15)
    assert [arg.span for arg in expr.args] == [Span("f", 1, 1, 2), Span("f", 1, 5, 10)]


def test_a_path_is_nothing_but_a_path() -> None:
    """Anything else raises."""
    assert [str(step) for step in parse_path('Records[*]."a.b"[2]')] == ["Records", "[*]", "a.b", "[2]"]
    with pytest.raises(ExpressionError):
        parse_path("lower(a)")


def test_the_first_words_of_an_expression_are_found() -> None:
    """Those of paths, wherever they stand; not those of ops."""
    assert heads(parse_expression("case lower(a.b) when c then d.e else parse_json(f).g end", _at)) == {
        "a",
        "c",
        "d",
        "f",
    }


WORD = st.sampled_from(["a", "b.c", "1", "'x'", "lower(a)", "(a or b)", "null"])
SIGN = st.sampled_from([" + ", " - ", " * ", " || ", " = ", " and ", " or ", " in (1) and ", " is null or "])


@given(st.lists(st.tuples(WORD, SIGN), max_size=8), WORD)
def test_words_and_operators_in_turn_are_an_expression(parts: list[tuple[str, str]], last: str) -> None:
    """And what is written with all parentheses reads the same again."""
    text = "".join(word + sign for word, sign in parts) + last
    assert shown(parse_expression(f"({text})", _at)) == shown(parse_expression(text, _at))
