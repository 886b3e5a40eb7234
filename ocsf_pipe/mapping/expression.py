"""Expression text → `Expr`, by precedence climbing.

    or  <  and  <  not  <  = != <> < <= > >= in like between is  <  ||  <  + -  <  * / %  <  unary -  <  call, path

The grammar is SQL's where SQL has one. A parser of our own keeps the exact place of every word, which SQL
parsers rewrite or lose.
"""

from __future__ import annotations

from collections.abc import Callable

from ocsf_pipe.errors import Span
from ocsf_pipe.mapping.syntax import ApplyExpr, CaseExpr, Expr, FollowExpr, LiteralExpr, PathExpr, Step
from ocsf_pipe.mapping.tokens import KEYWORDS, ExpressionError, Token, tokenize

_COMPARE = {"=": "eq", "!=": "ne", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_LEVELS = (
    {"||": "concat_op"},
    {"+": "add", "-": "sub"},
    {"*": "mul", "/": "div", "%": "mod"},
)


_MISSING = "write a path, a number, a text in '…', or a call here"
MAX_DEPTH = 60
MAX_PARTS = 20_000
MAX_STEPS = 40

Locate = Callable[[int, int], Span]


def parse_expression(text: str, locate: Locate) -> Expr:
    """Parse one expression; `locate` turns offsets into a `Span`. Raises `ExpressionError`."""
    parser = _Parser(tokenize(text), locate)
    expr = parser.disjunction()
    parser.expect_end()
    if is_too_big(expr):
        raise ExpressionError("the expression is too long", 0, len(text), "name parts of it under `let`", too_big=True)
    return expr


def parse_path(text: str) -> tuple[Step, ...]:
    """Parse a bare path such as `Records[*]` or `a."b.c"`; raises `ExpressionError`."""
    expr = parse_expression(text, lambda at, end: Span("", 1, at + 1, end + 1))
    if not isinstance(expr, PathExpr):
        raise ExpressionError("expected a path", 0, len(text))
    return expr.steps


class _Parser:
    def __init__(self, tokens: list[Token], locate: Locate) -> None:
        self.tokens = tokens
        self.locate = locate
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def advance(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def keyword(self, *words: str) -> bool:
        """Take the words if they come next, in any case."""
        ahead = self.tokens[self.at : self.at + len(words)]
        found = [t.text.lower() if t.kind == "word" else None for t in ahead] == list(words)
        if found:
            self.at += len(words)
        return found

    def sign(self, *signs: str) -> str | None:
        if self.token.kind == "sign" and self.token.text in signs:
            return self.advance().text
        return None

    def fail(self, expected: str, hint: str | None = None) -> ExpressionError:
        token = self.token
        got = f"`{token.text}`" if token.kind != "end" else "the end"
        return ExpressionError(f"expected {expected}, got {got}", token.at, max(token.end, token.at + 1), hint)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            token, hint = self.token, "name parts of it under `let`"
            raise ExpressionError("the expression is nested too deep", token.at, token.end, hint, too_big=True)

    def need(self, sign: str) -> None:
        if not self.sign(sign):
            raise self.fail(f"`{sign}`", f"close it with `{sign}`" if sign in ")]" else None)

    def need_keyword(self, word: str) -> None:
        if not self.keyword(word):
            raise self.fail(f"`{word}`")

    def expect_end(self) -> None:
        if self.token.kind != "end":
            raise self.fail("an operator or the end", "quote it in YAML if it is a constant")

    def span(self, start: int) -> Span:
        return self.locate(start, self.tokens[self.at - 1].end)

    def apply(self, op: str, sign: str, start: int, *args: Expr) -> ApplyExpr:
        return ApplyExpr(op, args, self.span(start), sign)

    def disjunction(self) -> Expr:
        self.deeper()
        start, left = self.token.at, self.conjunction()
        while self.keyword("or"):
            left = self.apply("or_", "or", start, left, self.conjunction())
        self.depth -= 1
        return left

    def conjunction(self) -> Expr:
        start, left = self.token.at, self.negation()
        while self.keyword("and"):
            left = self.apply("and_", "and", start, left, self.negation())
        return left

    def negation(self) -> Expr:
        start = self.token.at
        if not self.keyword("not"):
            return self.comparison()
        self.deeper()
        inner = self.apply("not_", "not", start, self.negation())
        self.depth -= 1
        return inner

    def comparison(self) -> Expr:
        start, left = self.token.at, self.arithmetic(0)
        while True:
            if found := self.sign(*_COMPARE):
                left = self.apply(_COMPARE[found], found, start, left, self.compared(found))
            elif self.keyword("is", "not", "null"):
                left = self.apply("is_not_null", "is not null", start, left)
            elif self.keyword("is", "null"):
                left = self.apply("is_null", "is null", start, left)
            else:
                negated = self.keyword("not")
                matched = self.membership(left, start)
                if matched is None:
                    if negated:
                        raise self.fail("`in`, `like` or `between`")
                    return left
                left = self.apply("not_", "not", start, matched) if negated else matched

    def compared(self, sign: str) -> Expr:
        if sign == "=" and self.token.text == "=":
            raise self.fail("a value", "write a single `=`")
        return self.arithmetic(0)

    def membership(self, left: Expr, start: int) -> Expr | None:
        if self.keyword("in"):
            self.need("(")
            return self.apply("in_", "in", start, left, *self.arguments())
        if self.keyword("like"):
            return self.apply("like", "like", start, left, self.arithmetic(0))
        if self.keyword("between"):
            low = self.arithmetic(0)
            self.need_keyword("and")
            high = self.arithmetic(0)
            above = self.apply("ge", "between", start, left, low)
            return self.apply("and_", "between", start, above, self.apply("le", "between", start, left, high))
        return None

    def arithmetic(self, level: int) -> Expr:
        if level == len(_LEVELS):
            return self.unary()
        start, left = self.token.at, self.arithmetic(level + 1)
        while found := self.sign(*_LEVELS[level]):
            left = self.apply(_LEVELS[level][found], found, start, left, self.arithmetic(level + 1))
        return left

    def unary(self) -> Expr:
        start = self.token.at
        if not self.sign("-"):
            return self.primary()
        self.deeper()
        inner = self.unary()
        self.depth -= 1
        if isinstance(inner, LiteralExpr) and type(inner.value) in {int, float}:
            return LiteralExpr(-inner.value, self.span(start))  # type: ignore[operator]
        return self.apply("neg", "-", start, inner)

    def primary(self) -> Expr:
        token = self.token
        if self.sign("("):
            inner = self.disjunction()
            self.need(")")
            return self.follow(inner, token.at)
        if token.kind == "text":
            self.advance()
            return LiteralExpr(token.text[1:-1].replace("''", "'"), self.span(token.at))
        if token.kind == "number":
            self.advance()
            number = int(token.text) if token.text.isdigit() else float(token.text)
            return LiteralExpr(number, self.span(token.at))
        if token.kind == "word":
            return self.worded(token)
        if token.kind == "quoted":
            return self.path()
        raise self.fail("a value", _MISSING)

    def worded(self, token: Token) -> Expr:
        word = token.text.lower()
        if word in {"true", "false", "null"}:
            self.advance()
            return LiteralExpr({"true": True, "false": False, "null": None}[word], self.span(token.at))
        if word == "case":
            return self.case()
        if word in KEYWORDS:
            hint = None if word in {"and", "or", "not"} else f'write `"{token.text}"` if it is a key of the record'
            raise self.fail("a value", hint or _MISSING)
        if self.tokens[self.at + 1].text == "(":
            return self.call(token)
        return self.path()

    def call(self, token: Token) -> Expr:
        self.at += 2
        name_span = self.locate(token.at, token.end)
        args = () if self.sign(")") else self.arguments()
        return self.follow(ApplyExpr(token.text, args, name_span), token.at)

    def arguments(self) -> tuple[Expr, ...]:
        args = [self.disjunction()]
        while self.sign(","):
            args.append(self.disjunction())
        self.need(")")
        return tuple(args)

    def follow(self, inner: Expr, start: int) -> Expr:
        steps = self.steps()
        return FollowExpr(inner, steps, self.span(start)) if steps else inner

    def path(self) -> Expr:
        start = self.token.at
        head = Step(name=self.key())
        return PathExpr((head, *self.steps()), self.span(start))

    def key(self) -> str:
        token = self.token
        if token.kind == "word":
            return self.advance().text
        if token.kind == "quoted":
            return self.advance().text[1:-1].replace('""', '"')
        raise self.fail("a name")

    def steps(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        while True:
            if len(steps) > MAX_STEPS:
                raise ExpressionError("the path is too long", self.token.at, self.token.end, too_big=True)
            if self.sign("."):
                steps.append(Step(name=self.key()))
            elif self.sign("["):
                steps.append(self.bracket())
            else:
                return tuple(steps)

    def bracket(self) -> Step:
        if self.sign("*"):
            step = Step(star=True)
        elif self.token.kind == "number" and self.token.text.isdigit():
            step = Step(index=int(self.advance().text))
        else:
            raise self.fail(
                "`*` or a number", "`list_last(…)` gives the last element" if self.token.text == "-" else None
            )
        self.need("]")
        return step

    def case(self) -> Expr:
        start = self.advance().at
        subject = None if self.token.text.lower() == "when" else self.disjunction()
        arms: list[tuple[Expr, Expr]] = []
        while self.keyword("when"):
            condition = self.disjunction()
            self.need_keyword("then")
            arms.append((condition, self.disjunction()))
        if not arms:
            raise self.fail("`when`")
        otherwise = self.disjunction() if self.keyword("else") else None
        self.need_keyword("end")
        return CaseExpr(subject, tuple(arms), otherwise, self.span(start))


def is_too_big(expr: Expr) -> bool:
    """Whether an expression has more parts, or a longer chain of operators, than the compiler follows.

    A part that stands twice (the left side of `between`, the subject of `case`) counts twice.
    """
    sizes: dict[int, tuple[int, int]] = {}
    pending = [expr]
    while pending:
        last = pending[-1]
        inner = _parts(last)
        waiting = [part for part in inner if id(part) not in sizes]
        if waiting:
            pending.extend(waiting)
            continue
        pending.pop()
        sizes[id(last)] = (
            1 + sum(sizes[id(part)][0] for part in inner),
            1 + max((sizes[id(part)][1] for part in inner), default=0),
        )
    parts, depth = sizes[id(expr)]
    return parts > MAX_PARTS or depth > 2 * MAX_DEPTH


def heads(expr: Expr) -> set[str]:
    """The first words of all paths in an expression."""
    found: set[str] = set()
    pending = [expr]
    while pending:
        part = pending.pop()
        if isinstance(part, PathExpr):
            found.add(part.head)
        pending.extend(_parts(part))
    return found


def _parts(expr: Expr) -> list[Expr]:
    match expr:
        case ApplyExpr(args=args):
            return list(args)
        case FollowExpr(of=of):
            return [of]
        case CaseExpr(subject=subject, arms=arms, otherwise=otherwise):
            inner = [part for arm in arms for part in arm]
            subjects = [subject] * max(1, len(arms)) if subject is not None else []
            return [*subjects, *inner, *([otherwise] if otherwise is not None else [])]
        case _:
            return []
